"""What simple methods score: the rows a model has to beat, and the row it could reach at best.

All of them keep the given band and add above the cut-off only, fading in over the guard below it as
the pipeline does. They are told the true cut-off. Stereo is worked on as mid and side.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.splice import fade_in, guard_hz
from aliquot.dsp.stereo import from_mid_side, to_mid_side
from aliquot.dsp.stft import Spectrum, hann, istft, stft
from aliquot.errors import ConfigError
from aliquot.metrics.bands import TOP_HZ, bin_range, mel_edges

BASELINES = ("degraded", "spline", "noise-fill", "copy-up", "oracle")

WINDOW, HOP = 2048, 512
THIRD_OCTAVE = 2 ** (1 / 3)
ORACLE_WINDOW, ORACLE_HOP = 1024, 256
ORACLE_BANDS = 48
TILTS = "tilts.json"
"""Package data: per task the fixed tilt, fitted by ``benchmarks/fit_tilts.py``."""


@dataclass(frozen=True, slots=True)
class Tilt:
    """How music falls off above a cut-off, whatever plays.

    Attributes:
        octaves: Distances above the cut-off, increasing.
        levels_db: Power density there relative to the third-octave below the cut-off.
    """

    octaves: tuple[float, ...]
    levels_db: tuple[float, ...]

    def power(self, freqs_hz: NDArray[np.float64], cutoff_hz: float) -> NDArray[np.float64]:
        """Relative power density at some frequencies; held beyond the fitted range.

        >>> Tilt((0.0, 1.0), (0.0, -20.0)).power(np.array([4e3, 8e3, 16e3]), 4e3).round(3).tolist()
        [1.0, 0.01, 0.01]
        """
        octaves = np.log2(np.maximum(freqs_hz, 1.0) / cutoff_hz)
        levels: NDArray[np.float64] = np.interp(octaves, self.octaves, self.levels_db)
        return 10.0 ** (levels / 10)


@cache
def fitted_tilts() -> dict[str, Tilt]:
    """The tilts shipped with the package, by name of task."""
    table = json.loads(files("aliquot").joinpath(TILTS).read_text(encoding="utf-8"))
    octaves = tuple(table["octaves"])
    return {name: Tilt(octaves, tuple(levels)) for name, levels in table["levels_db"].items()}


def tilt_for(task: str, cutoff_hz: float) -> Tilt:
    """The tilt fitted for a task; for an unknown one, that of the nearest fitted cut-off.

    Raises:
        ConfigError: If no tilt at all has been fitted.
    """
    tilts = fitted_tilts()
    if task in tilts:
        return tilts[task]
    nearest = {
        name: abs(np.log2(float(name.removeprefix("cutoff-")) / cutoff_hz))
        for name in tilts
        if name.startswith("cutoff-")
    }
    if not nearest:
        raise ConfigError(f"{TILTS} holds no tilt; run benchmarks/fit_tilts.py")
    return tilts[min(nearest, key=lambda name: nearest[name])]


def noise_fill(
    given: Waveform, sample_rate: int, cutoff_hz: float, tilt: Tilt, seed: int = 0
) -> Waveform:
    """Add white noise at each frame's level in the last third-octave, times a fixed tilt.

    Args:
        given: ``(channels, samples)``, the degraded recording at its final rate.
        sample_rate: In Hz.
        cutoff_hz: Where it ends.
        tilt: Level above the cut-off relative to the third-octave.
        seed: Of the noise.

    Returns:
        ``(channels, samples)``.
    """
    freqs = _bin_freqs(WINDOW, sample_rate)
    shape = np.sqrt(tilt.power(freqs, cutoff_hz)) * fade_in(freqs, cutoff_hz)
    parts = _split(given)
    level = np.sqrt(last_third(_frames(parts, WINDOW, HOP), sample_rate, cutoff_hz))
    high = _noise(parts, WINDOW, HOP, seed)
    high *= (level[:, :, None] * shape).astype(np.float32)
    return given + _joined(_sound(high, WINDOW, HOP, given.shape[1]))


def copy_up(given: Waveform, sample_rate: int, cutoff_hz: float, tilt: Tilt) -> Waveform:
    """Add copies of the octave below the cut-off, moved up: spectral band replication.

    Bins move by whole numbers with the phase advance that keeps the shift coherent from frame to
    frame. In every sixth-octave the copy is brought to the level :func:`noise_fill` would have.

    Args:
        given: ``(channels, samples)``, the degraded recording at its final rate.
        sample_rate: In Hz.
        cutoff_hz: Where it ends.
        tilt: Level above the cut-off relative to the third-octave below.

    Returns:
        ``(channels, samples)``.
    """
    freqs = _bin_freqs(WINDOW, sample_rate)
    shape = tilt.power(freqs, cutoff_hz)
    spectrum = _frames(_split(given), WINDOW, HOP)
    level = last_third(spectrum, sample_rate, cutoff_hz)
    top_hz = cutoff_hz - 0.5 * guard_hz(cutoff_hz)  # where the fade begins
    source = bin_range(top_hz - 0.5 * cutoff_hz, top_hz, sample_rate, WINDOW)
    high = _replicated(spectrum, *source)
    # sixths of an octave, from two below the cut-off to past the last bin
    edges = cutoff_hz * 2 ** (np.arange(-2, 6 * np.log2(freqs[-1] / cutoff_hz) + 2) / 6)
    for low_hz, high_hz in pairwise(edges):
        first, last = bin_range(low_hz, high_hz, sample_rate, WINDOW)
        if last > first:
            wanted = level * shape[first:last].mean()
            actual = _density(high[:, :, first:last])
            gain = np.sqrt(np.divide(wanted, actual, out=np.zeros_like(actual), where=actual > 0))
            high[:, :, first:last] *= gain[:, :, None].astype(np.float32)
    high *= fade_in(freqs, cutoff_hz)
    return given + _joined(_sound(high, WINDOW, HOP, given.shape[1]))


def oracle(
    given: Waveform, original: Waveform, sample_rate: int, cutoff_hz: float, seed: int = 0
) -> Waveform:
    """Add noise with the original's own envelope: what a perfect envelope would score.

    Args:
        given: ``(channels, samples)``, the degraded recording at its final rate.
        original: The same shape.
        sample_rate: In Hz.
        cutoff_hz: Where ``given`` ends.
        seed: Of the noise.

    Returns:
        ``(channels, samples)``; in each of 48 mel bands from the cut-off to 20 kHz, in one above,
        and in each frame the energy of the original, in noise.
    """
    window, hop = ORACLE_WINDOW, ORACLE_HOP
    freqs = _bin_freqs(window, sample_rate)
    edges = [*mel_edges(cutoff_hz, max(TOP_HZ, 1.1 * cutoff_hz), ORACLE_BANDS), sample_rate]
    truth = _frames(_split(original), window, hop)
    high = _noise(_split(given), window, hop, seed)
    start = bin_range(cutoff_hz - guard_hz(cutoff_hz), cutoff_hz, sample_rate, window)
    for first, last in (
        start,
        *(bin_range(*edge, sample_rate, window) for edge in pairwise(edges)),
    ):
        if last > first:
            level = np.sqrt(_density(truth[:, :, first:last]))
            high[:, :, first:last] *= level[:, :, None].astype(np.float32)
    high *= fade_in(freqs, cutoff_hz)
    return given + _joined(_sound(high, window, hop, given.shape[1]))


def spline(degraded: Waveform, sample_rate: int, output_rate: int, cutoff_hz: float) -> Waveform:
    """A cubic spline through the samples there are, as the founding papers' baseline.

    A recording degraded in place has samples at its full rate; of these every n-th is taken, with
    the largest n whose Nyquist frequency reaches the cut-off.

    Args:
        degraded: ``(channels, samples)`` at ``sample_rate``.
        sample_rate: In Hz.
        output_rate: In Hz.
        cutoff_hz: Where the recording ends.

    Returns:
        ``(channels, round(samples * output_rate / sample_rate))``.

    Raises:
        ConfigError: If SciPy is missing.
    """
    try:
        from scipy.interpolate import CubicSpline
    except ImportError as error:
        raise ConfigError(
            "the spline row needs SciPy, which is missing; pip install 'aliquot[eval]'"
        ) from error
    length = round(degraded.shape[1] * output_rate / sample_rate)
    step = max(1, int(sample_rate / (2 * cutoff_hz))) if sample_rate == output_rate else 1
    knots = degraded[:, ::step].astype(np.float64)
    curve = CubicSpline(np.arange(knots.shape[1]) * step / sample_rate, knots, axis=1)
    return np.ascontiguousarray(curve(np.arange(length) / output_rate), np.float32)


def last_third(spectrum: Spectrum, sample_rate: int, cutoff_hz: float) -> NDArray[np.float64]:
    """Mean power of the bins in the third-octave below the cut-off, ``(parts, frames)``."""
    window = 2 * (spectrum.shape[2] - 1)
    first, last = bin_range(cutoff_hz / THIRD_OCTAVE, cutoff_hz, sample_rate, window)
    return _density(spectrum[:, :, first : max(last, first + 1)])


def _replicated(spectrum: Spectrum, first: int, last: int) -> Spectrum:
    """Fill what lies from bin ``last`` on with copies of ``first:last``, one above the other."""
    high = np.zeros_like(spectrum)
    width, bins = last - first, spectrum.shape[2]
    frame = np.arange(spectrum.shape[1])
    for shift in range(width, bins - first, width):
        turns = np.exp(2j * np.pi * (shift * HOP % WINDOW) * frame / WINDOW)
        stop = min(last + shift, bins)
        copied = spectrum[:, :, first : stop - shift]
        high[:, :, first + shift : stop] = copied * turns[None, :, None].astype(np.complex64)
    return high


def _density(spectrum: Spectrum) -> NDArray[np.float64]:
    """Mean power over bins: ``(parts, frames)``."""
    power = spectrum.real**2 + spectrum.imag**2
    mean: NDArray[np.float64] = power.mean(axis=2, dtype=np.float64)
    return mean


def _bin_freqs(window: int, sample_rate: int) -> NDArray[np.float64]:
    return np.linspace(0.0, sample_rate / 2, window // 2 + 1, dtype=np.float64)


def _split(samples: Waveform) -> Waveform:
    """Mid and side of two channels; other numbers of channels as they are."""
    return to_mid_side(samples) if samples.shape[0] == 2 else samples


def _joined(parts: Waveform) -> Waveform:
    """Undo :func:`_split`."""
    return from_mid_side(parts, 2) if parts.shape[0] == 2 else parts


def _frames(parts: Waveform, window: int, hop: int) -> Spectrum:
    """Transform with a window of zeros on both sides, so that :func:`_sound` is exact."""
    return stft(np.pad(parts, ((0, 0), (window, window + hop))), window, hop)


def _sound(spectrum: Spectrum, window: int, hop: int, length: int) -> Waveform:
    """Undo :func:`_frames`."""
    return istft(spectrum, window, hop)[:, window : window + length]


def _noise(parts: Waveform, window: int, hop: int, seed: int) -> Spectrum:
    """Transform of white noise of the shape of ``parts``, of mean power 1 in every bin."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal(parts.shape, np.float32)
    scale = np.float32(1 / np.sqrt(np.square(hann(window), dtype=np.float64).sum()))
    noise: Spectrum = _frames(white, window, hop) * scale
    return noise
