"""Examples for learning levels: band powers of whole pieces, measured once and degraded as such.

What the given band tells about the missing one can be learned from some two hundred numbers a
frame. No waveform, transform or noise is needed for that, so an example costs a hundredth: pieces
are described once, at several speeds, and mixing, equalising and low-pass filtering are sums and
products of band powers.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from aliquot.degrade.chain import DegradationRange, draw_chain, response
from aliquot.degrade.truth import LOSS_DB
from aliquot.dsp.longterm import LongTerm
from aliquot.dsp.resample import resample
from aliquot.dsp.stereo import to_mid_side
from aliquot.models.config import SpectralConfig
from aliquot.models.excitation import TINY
from aliquot.models.spectral import Spectral
from aliquot.training.pieces import Piece, draw_weights, read_manifest
from aliquot.training.readings import known_cutoff, known_outline, long_term_power
from aliquot.training.recordings import decoded, keep, samples_of
from aliquot.training.settings import DataSettings, LevelSettings
from aliquot.training.step import spectra

_FRAMES_AT_ONCE = 1_024
_FLOOR_DB = -50.0
"""A crop whose mean level lies lower is silence."""


class BandExample(NamedTuple):
    """Band powers of the original, mid and side, and how they were degraded.

    The given power is the original's times ``response`` plus ``floor``.

    ``bands`` is ``(2, frames, input_bands)`` log10 power, ``response`` the filter's power gain
    ``(input_bands,)``, and so is ``long_term``, the mean power of the whole recording as it is
    given, zeros if unknown; the rest as in :class:`aliquot.training.data.Example`.
    """

    bands: NDArray[np.float32]
    response: NDArray[np.float32]
    floor: np.float32
    cutoff_bin: np.float32
    typical_bin: np.float32
    limit_bin: np.float32
    long_term: NDArray[np.float32]


@torch.no_grad()
def described(piece: Piece, settings: DataSettings, network: Spectral, speed: float) -> Path:
    """Describe a piece played at ``speed``, once, into the cache.

    Returns:
        An ``.npy`` file of ``(frames, 2, bands)`` half floats: log10 band powers of mid and side.
    """
    config = network.config
    kind = f"levels-{config.window}-{config.input_bands}{10 * np.log10(TINY):.0f}"
    path = Path(settings.cache) / kind / f"{piece.key}@{speed:g}.npy"
    if not path.is_file():
        samples = samples_of(decoded(piece, settings)[:])
        if speed != 1.0:
            samples = resample(samples, piece.sample_rate * speed, piece.sample_rate)
        waves = torch.from_numpy(to_mid_side(samples))[None]
        scale = (0.375 * config.window) ** -0.5
        rows = []
        for start in range(0, waves.shape[2] - config.window, _FRAMES_AT_ONCE * config.hop):
            length = (_FRAMES_AT_ONCE - 1) * config.hop + config.window
            spectrum = spectra(waves[:, :, start : start + length], config.window, config.hop)
            power = (spectrum * scale).square().sum(dim=2)
            bands = torch.log10(power @ network.analysis + TINY)
            rows.append(bands[0].transpose(0, 1).half().numpy())
        keep(path, np.concatenate(rows))
    return path


def random_rows(path: Path, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """``count`` neighbouring rows of an ``.npy`` file, fewer if it is shorter.

    Read, not mapped: faulting a map in page by page was measured to take ten times as long.
    """
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        row = int(np.prod(shape[1:]))
        file.seek(int(rng.integers(0, max(1, shape[0] - count))) * row * dtype.itemsize, 1)
        values = np.fromfile(file, dtype, count * row)
    return values.reshape(-1, *shape[1:]).astype(np.float32)


class BandExamples(Dataset[BandExample]):
    """Endless examples; ``self[i]`` depends on nothing but the settings, the seed and ``i``."""

    def __init__(
        self,
        data: DataSettings,
        levels: LevelSettings,
        limits: DegradationRange,
        model: SpectralConfig,
        seed: int,
        *,
        held_out: bool = False,
    ) -> None:
        self.data, self.levels, self.limits = data, levels, limits
        self.model, self.seed, self.held_out = model, seed, held_out
        self.pieces = read_manifest(data, held_out=held_out)
        self.weights = draw_weights(self.pieces, data.chiptune_share)
        self.speeds = (1.0,) if held_out else levels.speeds
        self.network = Spectral(model)
        self.frames = levels.loss_frames + 2 * model.context
        self.band_centres = centres = self.network.band_centres.numpy()
        self.octaves = np.log2(np.maximum(centres, 1.0) / 46.0)  # above 1 kHz at 44.1 kHz

    def prepare(self) -> Iterator[str]:
        """Describe every piece at every speed into the cache; yields their names."""
        for piece in self.pieces:
            for speed in self.speeds:
                described(piece, self.data, self.network, speed)
            long_term_power(piece, self.data)
            yield piece.name

    def crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], Piece, float]:
        """Bands ``(2, frames, input_bands)`` of a crop that is not silent, its piece, its speed."""
        for _ in range(20):
            piece = self.pieces[int(rng.choice(len(self.pieces), p=self.weights))]
            speed = float(rng.choice(self.speeds))
            path = described(piece, self.data, self.network, speed)
            bands = random_rows(path, self.frames, rng).transpose(1, 0, 2)
            short = self.frames - bands.shape[1]
            bands = np.pad(bands, ((0, 0), (0, short), (0, 0)), mode="edge")
            if bands[0].mean(axis=0).max() > _FLOOR_DB / 10:
                break
        return bands, piece, speed

    def __getitem__(self, index: int) -> BandExample:
        rng = np.random.default_rng([self.seed, 2 + int(self.held_out), index])
        bands, piece, speed = self.crop(rng)
        rate, top = piece.sample_rate, float(self.model.bins - 1)
        limit, typical = self.reach(piece, speed)
        power = long_term_power(piece, self.data, speed)
        if not self.held_out:
            if rng.uniform() < self.levels.mix_share:
                other, second, other_speed = self.crop(rng)
                gain = np.float32(rng.uniform(-1.5, 0.3))
                bands = np.logaddexp2(bands * _LOG2_10, (other + gain) * _LOG2_10) / _LOG2_10
                reaches = self.reach(second, other_speed)
                limit, typical = min(limit, reaches[0]), min(typical, reaches[1])
                power = power + 10**gain * long_term_power(second, self.data, other_speed)
            curve = self.equaliser(rng)
            bands = bands + curve
            power = power * 10 ** np.interp(self.places(power), self.band_centres, curve)
            if rng.uniform() < self.data.mono_share:
                bands = bands.copy()
                bands[1] = np.log10(TINY)
        floor = floor_power(rng, self.data)
        kept, true_bin = self.filter(rate, limit * rate / self.model.window, rng)
        left = power * np.interp(self.places(power), np.arange(kept.size), kept)
        hz_per_bin, low = rate / self.model.window, self.limits.cutoff_hz[0]
        true_hz = true_bin * hz_per_bin
        cutoff_hz = known_cutoff(left + 2 * floor, rate, true_hz, low, self.data, rng)
        analysis = self.network.analysis.numpy()
        in_bands = np.maximum(kept @ analysis, 1e-15)
        whole = LongTerm(left / 2, rate).at(rate, self.model.window) @ analysis
        match known_outline(self.data, rng):
            case "moment":
                whole = (10**bands).mean(axis=(0, 1)) * in_bands
            case "nothing":
                whole = np.full_like(whole, -floor)
        return BandExample(
            bands=np.asarray(bands, np.float32),
            response=in_bands.astype(np.float32),
            floor=floor,
            cutoff_bin=np.float32(cutoff_hz / hz_per_bin),
            typical_bin=np.float32(min(typical, top)),
            limit_bin=np.float32(min(limit, top)),
            long_term=(whole + floor).astype(np.float32),
        )

    def reach(self, piece: Piece, speed: float) -> tuple[float, float]:
        """Highest and typical bandwidth in bins of a piece played at ``speed``."""
        bins_per_hz = self.model.window / piece.sample_rate
        # The resampler's own transition lies above.
        top = float(self.model.bins - 1) * (1.0 if speed == 1.0 else 0.95)
        typical = min(piece.typical_hz, piece.bandwidth_hz)
        return (
            min(piece.bandwidth_hz * speed * bins_per_hz, top),
            min(typical * speed * bins_per_hz, top),
        )

    def equaliser(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random smooth curve over the bands in log10 power, gain and darkness included."""
        levels, data = self.levels, self.data
        gain = rng.uniform(data.gain_db[0], data.gain_db[1]) / 10
        tilt = rng.uniform(-levels.tilt_db, levels.tilt_db) / 40 * np.clip(self.octaves, -2, 4.5)
        knots = rng.normal(0, levels.eq_db / 10, 7)
        curve = np.interp(self.octaves, np.linspace(-4.0, 4.5, 7), knots)
        dark = 0.0
        if rng.uniform() < data.dark_share:
            pole = rng.uniform(0.3, 2.6)  # octaves above 1 kHz
            dark = -2 * np.log10(1 + 4.0 ** (self.octaves - pole))
        return np.asarray(gain + tilt + curve + dark, np.float32)

    def filter(
        self, rate: int, limit_hz: float, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], float]:
        """Power gain of a random chain in every bin, and its true cut-off in bins."""
        low, high = self.limits.cutoff_hz
        limits = replace(self.limits, cutoff_hz=(low, max(low * 1.2, min(high, 0.85 * limit_hz))))
        gain = response(draw_chain(rng, limits, rate), rate, self.model.bins)
        lost = np.flatnonzero(gain > 10 ** (-LOSS_DB / 10))
        return gain, float(lost[-1] + 0.5) if lost.size else 0.0

    def places(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the points of a long-term spectrum lie, in bins."""
        return np.linspace(0, self.model.bins - 1, power.size)


def floor_power(rng: np.random.Generator, data: DataSettings) -> np.float32:
    """Power of a random floor of noise, 0 for none; white noise of unit variance has 1."""
    level = rng.uniform(data.floor_db[0], data.floor_db[1])
    return np.float32(10 ** (level / 10) if rng.uniform() < data.floor_share else 0.0)


_LOG2_10 = np.float32(np.log2(10.0))
