from collections.abc import Callable

import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.metrics.envelope import envelope_db, treble_bias_db
from aliquot.metrics.lsd import lsd, lsd_hf, lsd_kuleshov, lsd_lf
from aliquot.metrics.sdr import low_snr_db, snr_db
from aliquot.metrics.stereo import coherence, side_db
from aliquot.metrics.suite import METRICS, Signal, measure
from aliquot.metrics.texture import texture

RATE, CUTOFF_HZ, UPPER_HZ = 44_100, 4_000.0, 16_000.0


def test_the_suite_agrees_with_every_metric_alone(make_noise: Callable[..., Waveform]) -> None:
    original = make_noise(1, channels=2)
    restored = 0.7 * original + 0.2 * make_noise(2, channels=2)
    pair = original, restored, RATE
    alone = {
        "lsd": lsd(*pair, UPPER_HZ),
        "lsd_hf": lsd_hf(*pair, CUTOFF_HZ, UPPER_HZ),
        "lsd_lf": lsd_lf(*pair, CUTOFF_HZ, UPPER_HZ),
        "envelope_db": envelope_db(*pair, CUTOFF_HZ, UPPER_HZ),
        "treble_bias_db": treble_bias_db(*pair, CUTOFF_HZ, UPPER_HZ),
        "texture": texture(*pair, CUTOFF_HZ, UPPER_HZ),
        "low_snr_db": low_snr_db(*pair, CUTOFF_HZ),
        "snr_db": snr_db(*pair, UPPER_HZ),
        "side_db": side_db(*pair, CUTOFF_HZ, UPPER_HZ),
        "coherence": coherence(*pair, CUTOFF_HZ, UPPER_HZ),
        "lsd_kuleshov": lsd_kuleshov(*pair, UPPER_HZ),
    }
    assert tuple(alone) == METRICS
    assert measure(original, restored, RATE, CUTOFF_HZ, UPPER_HZ) == pytest.approx(alone)
    assert len(set(alone.values())) == len(METRICS)


def test_a_perfect_restoration_scores_perfectly(make_noise: Callable[..., Waveform]) -> None:
    original = make_noise(1, channels=2)
    assert measure(Signal(original), original, RATE, CUTOFF_HZ) == pytest.approx(
        {**dict.fromkeys(METRICS, 0.0), "texture": 1.0, "low_snr_db": 200.0, "snr_db": 200.0},
        abs=1e-6,
    )


def test_nothing_above_the_upper_limit_changes_any_score(
    make_noise: Callable[..., Waveform],
    change_band: Callable[[Waveform, float, float, float], Waveform],
) -> None:
    original, restored = make_noise(1, channels=2), make_noise(2, channels=2)
    other = change_band(restored, UPPER_HZ + 150.0, RATE, 20.0)
    first = measure(original, restored, RATE, CUTOFF_HZ, UPPER_HZ)
    assert measure(original, other, RATE, CUTOFF_HZ, UPPER_HZ) == pytest.approx(first, abs=0.005)


def test_one_channel_has_no_stereo_scores(noise: Waveform) -> None:
    scores = measure(noise, noise, RATE, CUTOFF_HZ)
    assert [name for name in METRICS if np.isnan(scores[name])] == ["side_db", "coherence"]


def test_unequal_lengths_are_refused(noise: Waveform) -> None:
    with pytest.raises(ValueError, match="one shape"):
        measure(noise, noise[:, 1:], RATE, CUTOFF_HZ)
