"""Low-pass filters of the families by which recordings lose their treble."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.degrade.truth import LOSS_DB
from aliquot.dsp.resample import fitted, resample
from aliquot.errors import ConfigError

FAMILIES = (
    "butterworth",
    "chebyshev1",
    "elliptic",
    "bessel",
    "cascade",
    "sinc",
    "soxr",
    "brickwall",
    "decimate",
    "subsample",
)
"""Known families; IIR filters and ``decimate`` need SciPy. ``subsample`` is no filter at all: every
n-th sample is kept, and what lay above the new Nyquist frequency comes back mirrored below it."""

SOXR_QUALITIES = ("LQ", "MQ", "HQ", "VHQ")


@dataclass(frozen=True, slots=True)
class Lowpass:
    """One low-pass filter, as data.

    Attributes:
        family: One of :data:`FAMILIES`.
        cutoff_hz: Nominal cut-off: the -3 dB point (Butterworth, Bessel, cascade), the edge of the
            ripple (Chebyshev, elliptic), the middle of the transition (sinc), the new Nyquist
            frequency (soxr, decimate, subsample) or the edge (brickwall).
        order: Of the IIR families, 2 to 12.
        steepness: 0 to 1; sinc: transition of 30 % down to 2 % of the cut-off; soxr: quality.
    """

    family: str
    cutoff_hz: float
    order: int = 8
    steepness: float = 0.7

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ConfigError(f"unknown filter family {self.family!r}; use one of {FAMILIES}")
        if not 2 <= self.order <= 12:
            raise ConfigError(f"filter order must lie in 2..12, got {self.order}")
        if not 0 <= self.steepness <= 1:
            raise ConfigError(f"steepness must lie in 0..1, got {self.steepness}")


def lowpass(samples: Waveform, sample_rate: int, spec: Lowpass) -> Waveform:
    """Low-pass a recording in place: same rate, same length.

    IIR families run forward only, as a device would; the others have no delay.

    Args:
        samples: ``(channels, samples)``.
        sample_rate: In Hz.
        spec: The filter.

    Returns:
        ``(channels, samples)`` float32; unchanged if the cut-off lies at or above Nyquist.

    Raises:
        ConfigError: If the cut-off is not positive.
    """
    if spec.cutoff_hz <= 0:
        raise ConfigError(f"a cut-off must be positive, got {spec.cutoff_hz} Hz")
    if spec.cutoff_hz >= 0.499 * sample_rate or not samples.shape[1]:
        return samples
    if spec.family == "brickwall":
        return _brickwall(samples, sample_rate, spec.cutoff_hz)
    if spec.family == "sinc":
        return _sinc(samples, sample_rate, spec)
    if spec.family in ("soxr", "decimate", "subsample"):
        return _through_lower_rate(samples, sample_rate, spec)
    return _iir(samples, sample_rate, spec)


def power_response(spec: Lowpass, sample_rate: int, points: int) -> NDArray[np.float64]:
    """Power gain of a filter at ``points`` frequencies from 0 Hz to Nyquist, measured.

    The spectrum of what an impulse becomes; exact to the length of an FFT of eight times as many
    points.

    Args:
        spec: The filter.
        sample_rate: In Hz.
        points: One more than a power of two.

    Returns:
        ``(points,)``.
    """
    size = 16 * (points - 1)
    impulse = np.zeros((1, size), np.float32)
    impulse[0, size // 2] = 1.0
    gain = np.abs(np.fft.rfft(lowpass(impulse, sample_rate, spec)[0])) ** 2
    return np.asarray(gain[:: size // 2 // (points - 1)])


def _brickwall(samples: Waveform, sample_rate: int, cutoff_hz: float) -> Waveform:
    size = samples.shape[1]
    padded = 1 << (size + 4096).bit_length()
    spectrum = np.fft.rfft(samples, n=padded, axis=1)
    spectrum[:, round(cutoff_hz * padded / sample_rate) :] = 0
    return np.fft.irfft(spectrum, n=padded, axis=1)[:, :size].astype(np.float32)


def _sinc_taps(spec: Lowpass, sample_rate: int) -> NDArray[np.float64]:
    """Windowed sinc (Blackman), transition width from the steepness."""
    width_hz = spec.cutoff_hz * 0.3 * (0.02 / 0.3) ** spec.steepness
    half = max(8, round(2.75 * sample_rate / width_hz))
    index = np.arange(-half, half + 1)
    taps = np.sinc(2 * spec.cutoff_hz / sample_rate * index) * np.blackman(2 * half + 1)
    return np.asarray(taps / taps.sum())


def _sinc(samples: Waveform, sample_rate: int, spec: Lowpass) -> Waveform:
    taps = _sinc_taps(spec, sample_rate)
    half, size = taps.size // 2, samples.shape[1]
    padded = 1 << (size + 2 * half).bit_length()
    spectrum = np.fft.rfft(samples, n=padded, axis=1)
    spectrum *= np.fft.rfft(taps.astype(np.float32), n=padded)
    return np.fft.irfft(spectrum, n=padded, axis=1)[:, half : half + size].astype(np.float32)


def _through_lower_rate(samples: Waveform, sample_rate: int, spec: Lowpass) -> Waveform:
    if spec.family == "soxr":
        quality = SOXR_QUALITIES[round(spec.steepness * (len(SOXR_QUALITIES) - 1))]
        low = resample(samples, sample_rate, 2 * spec.cutoff_hz, quality)
        return fitted(resample(low, 2 * spec.cutoff_hz, sample_rate, "VHQ"), samples.shape[1])
    factor = max(2, round(sample_rate / (2 * spec.cutoff_hz)))
    if spec.family == "subsample":
        low = np.ascontiguousarray(samples[:, ::factor])
        return fitted(resample(low, sample_rate / factor, sample_rate), samples.shape[1])
    return decimated(samples, sample_rate, factor)


def decimated(samples: Waveform, sample_rate: int, factor: int) -> Waveform:
    """``scipy.signal.decimate`` (Chebyshev-I order 8), as the founding papers, and back by soxr."""
    from scipy.signal import decimate

    low = decimate(samples.astype(np.float64), factor, axis=1).astype(np.float32)
    return fitted(resample(low, sample_rate / factor, sample_rate), samples.shape[1])


def _iir(samples: Waveform, sample_rate: int, spec: Lowpass) -> Waveform:
    from scipy import signal

    sections = _sections(spec, spec.cutoff_hz / (sample_rate / 2))
    filtered: Waveform = signal.sosfilt(sections, samples, axis=1).astype(np.float32)
    return filtered


def _sections(spec: Lowpass, edge: float) -> NDArray[np.float64]:
    """Second-order sections of an IIR family; ``edge`` is its cut-off over Nyquist."""
    from scipy import signal

    if spec.family == "butterworth":
        sections = signal.butter(spec.order, edge, output="sos")
    elif spec.family == "chebyshev1":
        sections = signal.cheby1(spec.order, 0.05, edge, output="sos")
    elif spec.family == "elliptic":
        sections = signal.ellip(spec.order, 0.1, 60 + 30 * spec.steepness, edge, output="sos")
    elif spec.family == "cascade":  # equal one-pole stages, as in chains of old equipment
        stage = np.tan(np.pi / 2 * edge) / np.sqrt(2 ** (1 / spec.order) - 1)
        one = signal.butter(1, 2 / np.pi * np.arctan(stage), output="sos")
        sections = np.repeat(one, spec.order, axis=0)
    else:
        sections = signal.bessel(spec.order, edge, output="sos", norm="mag")
    return np.asarray(sections)


IIR = ("butterworth", "chebyshev1", "elliptic", "bessel", "cascade")
"""Families whose slopes take room."""


def placed(spec: Lowpass, sample_rate: int, loss_db: float = LOSS_DB) -> Lowpass:
    """Move a filter's nominal cut-off so that it has lost ``loss_db`` where the nominal one was.

    A Bessel filter of order 8 reaches -20 dB far above its -3 dB point, an elliptic one at once:
    placed like this, one frequency is one cut-off of every family. soxr, the brick wall,
    decimation and subsampling stay: they work exactly at their edge, or at whole factors alone.

    Args:
        spec: The filter; its ``cutoff_hz`` lies below Nyquist.
        sample_rate: In Hz.
        loss_db: 1 to 50.

    >>> round(placed(Lowpass("butterworth", 1_000.0, 4), 44_100).cutoff_hz)  # 99 ** (1 / 8) lower
    563
    """
    return replace(spec, cutoff_hz=_moved(spec, sample_rate, 1 / _reach(spec, loss_db)))


def lost_at(spec: Lowpass, sample_rate: int, loss_db: float = LOSS_DB) -> float:
    """Frequency in Hz at which a filter has lost ``loss_db``, as :func:`placed` reckons."""
    return _moved(spec, sample_rate, _reach(spec, loss_db))


def _moved(spec: Lowpass, sample_rate: int, times: float) -> float:
    """A filter's cut-off that many times as high."""
    if spec.family not in IIR:
        return spec.cutoff_hz * times
    # The bilinear transform keeps ratios of tangents (prewarping), not of frequencies.
    angle = np.arctan(np.tan(np.pi * spec.cutoff_hz / sample_rate) * times)
    return float(angle * sample_rate / np.pi)


def _reach(spec: Lowpass, loss_db: float) -> float:
    """How many times its cut-off a filter has to go to lose ``loss_db``."""
    if spec.family in IIR:
        steepness = spec.steepness if spec.family == "elliptic" else 0.0
        return _iir_reach(spec.family, spec.order, steepness, loss_db)
    return _sinc_reach(spec.steepness, loss_db) if spec.family == "sinc" else 1.0


@lru_cache(maxsize=1_024)
def _iir_reach(family: str, order: int, steepness: float, loss_db: float) -> float:
    from scipy import signal

    edge = 0.01
    ratios = np.geomspace(0.5, 60.0, 4_096)
    angles = 2 * np.arctan(np.tan(np.pi / 2 * edge) * ratios)
    sections = _sections(Lowpass(family, 1_000.0, order, steepness), edge)
    loss = -20 * np.log10(np.abs(signal.sosfreqz(sections, angles)[1]) + 1e-12)
    first = int(np.flatnonzero(loss >= loss_db)[0])
    near = slice(max(0, first - 1), first + 1)
    return float(np.exp(np.interp(loss_db, loss[near], np.log(ratios[near]))))


@lru_cache(maxsize=1_024)
def _sinc_reach(steepness: float, loss_db: float) -> float:
    edge = 0.05
    taps = _sinc_taps(Lowpass("sinc", edge, steepness=steepness), 1)
    places = 2 * np.pi * np.arange(-(taps.size // 2), taps.size // 2 + 1)
    low, high = 0.8 * edge, 1.25 * edge
    for _ in range(24):
        middle = (low + high) / 2
        kept = abs(float(taps @ np.cos(places * middle)))
        low, high = (low, middle) if kept < 10 ** (-loss_db / 20) else (middle, high)
    return high / edge
