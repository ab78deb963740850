"""All metrics of a pair at once, each transform computed once."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stft import Spectrum
from aliquot.metrics.bands import Power, check_pair, high_bands, mono, power, squared
from aliquot.metrics.envelope import envelope_error, spectral_bias_db
from aliquot.metrics.lsd import distance, distance_kuleshov, lsd_power, split_bins
from aliquot.metrics.sdr import LOW_PART, long_spectrum, spectral_snr_db
from aliquot.metrics.stereo import coherence_difference, pair_spectrum
from aliquot.metrics.texture import texture_ratio

METRICS = (
    "lsd",
    "lsd_hf",
    "lsd_lf",
    "envelope_db",
    "treble_bias_db",
    "texture",
    "low_snr_db",
    "snr_db",
    "side_db",
    "coherence",
    "lsd_kuleshov",
)
"""The names :func:`measure` returns, in the order of the tables."""


class Signal:
    """A signal and its transforms, each computed when first asked for.

    An original that is compared with many restorations is prepared once.
    """

    def __init__(self, samples: Waveform) -> None:
        self.samples = samples

    @cached_property
    def fine(self) -> Power:
        """What the log-spectral distances compare: ``(frames, 1025)``."""
        return lsd_power(self.samples)

    @cached_property
    def mono(self) -> Power:
        """Powers of the channel mean on the treble grid: ``(frames, 513)``."""
        if self.samples.shape[0] == 2:  # the transform is linear: no need for another one
            return squared((self.pair[0] + self.pair[1]) / 2)
        return power(mono(self.samples))

    @cached_property
    def side(self) -> Power:
        """Powers of the side signal on the treble grid: ``(frames, 513)``."""
        return squared((self.pair[0] - self.pair[1]) / 2)

    @cached_property
    def pair(self) -> Spectrum:
        """The first two channels on the treble grid: ``(2, frames, 513)``."""
        return pair_spectrum(self.samples)

    @cached_property
    def long(self) -> NDArray[np.complex128]:
        """One transform of the whole channel mean."""
        return long_spectrum(self.samples)


def measure(
    original: Waveform | Signal,
    restored: Waveform | Signal,
    sample_rate: int,
    cutoff_hz: float,
    upper_hz: float | None = None,
) -> dict[str, float]:
    """Score a restoration against the original by every metric.

    Nothing above ``upper_hz`` is scored by any of them.

    Args:
        original: ``(channels, samples)``, or a :class:`Signal` kept from an earlier call.
        restored: The same shape.
        sample_rate: Of both, in Hz.
        cutoff_hz: Where the degraded recording ends.
        upper_hz: Where the original itself ends; None for the Nyquist frequency.

    Returns:
        A number for each of :data:`METRICS`; NaN where a metric has nothing to score (the stereo
        ones for one channel).

    Raises:
        ValueError: If the shapes differ.
    """
    ref = original if isinstance(original, Signal) else Signal(original)
    est = restored if isinstance(restored, Signal) else Signal(restored)
    check_pair(ref.samples, est.samples)
    samples = ref.samples.shape[1]
    bands = high_bands(cutoff_hz, sample_rate, upper_hz)
    first, limit = split_bins(sample_rate, cutoff_hz, upper_hz)
    stereo = ref.samples.shape[0] >= 2
    limits = sample_rate, cutoff_hz, upper_hz
    nan = float("nan")
    return {
        "lsd": distance(ref.fine[:, :limit], est.fine[:, :limit]),
        "lsd_hf": distance(ref.fine[:, first:limit], est.fine[:, first:limit]),
        "lsd_lf": distance(ref.fine[:, :first], est.fine[:, :first]),
        "envelope_db": envelope_error(ref.mono, est.mono, *limits),
        "treble_bias_db": spectral_bias_db(
            ref.long, est.long, samples, sample_rate, (cutoff_hz, upper_hz)
        ),
        "texture": texture_ratio(ref.mono, est.mono, bands),
        "low_snr_db": spectral_snr_db(
            ref.long, est.long, samples, sample_rate, LOW_PART * cutoff_hz
        ),
        "snr_db": spectral_snr_db(ref.long, est.long, samples, sample_rate, upper_hz),
        "side_db": envelope_error(ref.side, est.side, *limits) if stereo else nan,
        "coherence": coherence_difference(ref.pair, est.pair, bands) if stereo else nan,
        "lsd_kuleshov": distance_kuleshov(ref.fine[:, :limit], est.fine[:, :limit]),
    }
