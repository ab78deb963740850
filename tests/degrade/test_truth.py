import numpy as np
import pytest
import synthesise

from aliquot.degrade.codec import round_trip
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.degrade.truth import lost_hz, true_cutoff_hz
from aliquot.training.readings import power_of

RATE = 44_100


@pytest.mark.parametrize("family", ["brickwall", "butterworth", "mp3", "vorbis"])
def test_long_term_powers_tell_the_cutoff_that_waveforms_tell(family: str) -> None:
    original = synthesise.pop(6.0, RATE)
    if family in ("mp3", "vorbis"):
        degraded = round_trip(original, RATE, family, {"mp3": 64.0, "vorbis": 0.0}[family])
    else:
        degraded = lowpass(original, RATE, Lowpass(family, 6_000.0, 8))
    before, after = (power_of([samples], RATE) for samples in (original, degraded))
    truth = true_cutoff_hz(original, degraded, RATE)
    assert 5_000 < truth < 17_000
    assert lost_hz(before, after, RATE) == pytest.approx(truth, rel=0.03)


def test_what_is_not_lost_ends_at_nyquist_and_other_shapes_are_refused() -> None:
    power = np.ones(4_097)
    assert lost_hz(power, power, RATE) == RATE / 2
    with pytest.raises(ValueError, match="shapes must agree"):
        lost_hz(power, power[:100], RATE)
