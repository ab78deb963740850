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
from numpy.typing import NDArray
from torch.utils.data import Dataset

from aliquot.degrade.chain import DegradationRange, draw_chain, response
from aliquot.degrade.truth import LOSS_DB
from aliquot.dsp.longterm import LongTerm
from aliquot.dsp.resample import resample
from aliquot.models.config import SpectralConfig
from aliquot.models.excitation import TINY
from aliquot.models.spectral import Spectral
from aliquot.training.coded import Coded, codec_of, described_coded
from aliquot.training.data import ROOM
from aliquot.training.pieces import Piece, draw_weights, read_manifest
from aliquot.training.readings import known_cutoff, known_outline, long_term_power
from aliquot.training.recordings import decoded, keep, samples_of
from aliquot.training.rows import describe, kind, random_rows, random_start, rows_at
from aliquot.training.settings import DataSettings, LevelSettings

_FLOOR_DB = -50.0
"""A crop whose mean level lies lower is silence."""


class BandExample(NamedTuple):
    """Band powers of the original, mid and side, and how they were degraded.

    What is left is the power of ``given`` times ``response`` plus ``floor``.

    ``bands`` is ``(2, frames, input_bands)`` log10 power of the original, ``given`` the same or
    what a codec has made of it, ``response`` the filter's power gain ``(input_bands,)``, and so is
    ``long_term``, the mean power of the whole recording as it is given, zeros if unknown; the rest
    as in :class:`aliquot.training.data.Example`.
    """

    bands: NDArray[np.float32]
    given: NDArray[np.float32]
    response: NDArray[np.float32]
    floor: np.float32
    cutoff_bin: np.float32
    typical_bin: np.float32
    limit_bin: np.float32
    long_term: NDArray[np.float32]


def described(piece: Piece, settings: DataSettings, network: Spectral, speed: float) -> Path:
    """Describe a piece played at ``speed``, once, into the cache.

    Returns:
        An ``.npy`` file of ``(frames, 2, bands)`` half floats: log10 band powers of mid and side.
    """
    path = Path(settings.cache) / kind(network) / f"{piece.key}@{speed:g}.npy"
    if not path.is_file():
        samples = samples_of(decoded(piece, settings)[:])
        if speed != 1.0:
            samples = resample(samples, piece.sample_rate * speed, piece.sample_rate)
        keep(path, describe(samples, network))
    return path


class Crop(NamedTuple):
    """A crop of a piece.

    Attributes:
        bands: ``(2, frames, input_bands)`` log10 power of the original.
        given: The same before a filter: ``bands``, or what a codec has made of them.
        piece: It is taken from.
        speed: At which it is played.
        coded: What is known of the coded part of the piece; None without a codec.
    """

    bands: NDArray[np.float32]
    given: NDArray[np.float32]
    piece: Piece
    speed: float
    coded: Coded | None


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
            if self.levels.coded_share:
                self.coded(piece)
            yield piece.name

    def coded(self, piece: Piece) -> Coded:
        """What is known of the coded part of a piece."""
        codec = codec_of(piece, self.levels.codecs)
        return described_coded(piece, self.data, self.network, codec)

    def crop(self, rng: np.random.Generator, *, through_codec: bool = False) -> Crop:
        """A crop that is not silent."""
        for _ in range(20):
            piece = self.pieces[int(rng.choice(len(self.pieces), p=self.weights))]
            speed = 1.0 if through_codec else float(rng.choice(self.speeds))
            path = described(piece, self.data, self.network, speed)
            coded = self.coded(piece) if through_codec else None
            if coded is None:
                bands = given = self.whole(random_rows(path, self.frames, rng))
            else:
                start = random_start(coded.rows, self.frames, rng)
                rows = rows_at(coded.rows, start, self.frames)
                given = self.whole(rows)
                bands = self.whole(rows_at(path, coded.first + start, len(rows)))
            if bands[0].mean(axis=0).max() > _FLOOR_DB / 10:
                break
        return Crop(bands, given, piece, speed, coded)

    def whole(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows as ``(2, frames, input_bands)``, the last ones repeated if there are too few."""
        short = self.frames - rows.shape[0]
        return np.pad(rows.transpose(1, 0, 2), ((0, 0), (0, short), (0, 0)), mode="edge")

    def __getitem__(self, index: int) -> BandExample:
        rng = np.random.default_rng([self.seed, 2 + int(self.held_out), index])
        share = self.levels.coded_share  # if none, the examples are those that they were
        crop = self.crop(rng, through_codec=bool(share) and rng.uniform() < share)
        bands, given, piece, speed, coded = crop
        rate, top = piece.sample_rate, float(self.model.bins - 1)
        limit, typical = self.reach(piece, speed)
        power = coded.powers[1] if coded else long_term_power(piece, self.data, speed)
        if not self.held_out:
            if coded is None and rng.uniform() < self.levels.mix_share:
                other, _, second, other_speed, _ = self.crop(rng)
                gain = np.float32(rng.uniform(-1.5, 0.3))
                bands = np.logaddexp2(bands * _LOG2_10, (other + gain) * _LOG2_10) / _LOG2_10
                given = bands
                reaches = self.reach(second, other_speed)
                limit, typical = min(limit, reaches[0]), min(typical, reaches[1])
                power = power + 10**gain * long_term_power(second, self.data, other_speed)
            curve = self.equaliser(rng)
            bands, given = bands + curve, given + curve
            power = power * 10 ** np.interp(self.places(power), self.band_centres, curve)
            if rng.uniform() < self.data.mono_share:
                bands[1] = given[1] = np.log10(TINY)
        floor = floor_power(rng, self.data)
        kept, true_bin = self.lost(rate, limit * rate / self.model.window, coded, rng)
        left = power * np.interp(self.places(power), np.arange(kept.size), kept)
        hz_per_bin, low = rate / self.model.window, self.limits.cutoff_hz[0]
        true_hz = true_bin * hz_per_bin
        cutoff_hz = known_cutoff(left + 2 * floor, rate, true_hz, low, self.data, rng)
        analysis = self.network.analysis.numpy()
        in_bands = np.maximum(kept @ analysis, 1e-15)
        whole = LongTerm(left / 2, rate).at(rate, self.model.window) @ analysis
        match known_outline(self.data, rng):
            case "moment":
                whole = (10**given).mean(axis=(0, 1)) * in_bands
            case "nothing":
                whole = np.full_like(whole, -floor)
        return BandExample(
            bands=np.asarray(bands, np.float32),
            given=np.asarray(given, np.float32),
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

    def lost(
        self, rate: int, limit_hz: float, coded: Coded | None, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], float]:
        """Power gain in every bin of what follows a codec, if any, and the true cut-off in bins."""
        if coded is None:
            return self.filter(rate, limit_hz, rng)
        end = coded.end_hz * self.model.window / rate
        alone = rng.uniform() < self.limits.codec_alone and coded.end_hz < ROOM * limit_hz
        if alone:
            return np.ones(self.model.bins), end
        kept, true_bin = self.filter(rate, limit_hz, rng)
        return kept, min(true_bin, end)

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
