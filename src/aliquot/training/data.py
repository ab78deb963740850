"""Training examples: random crops, degraded on the fly; example ``i`` is a function of the seed."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from aliquot.audio import Waveform
from aliquot.collect.manifest import MANIFEST, Row, read_list, read_rows
from aliquot.degrade.chain import DegradationRange, degrade, draw
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.resample import resample
from aliquot.dsp.stereo import to_mid_side
from aliquot.errors import ConfigError, InputError
from aliquot.io.sound import open_reader
from aliquot.models.spectral import SpectralConfig
from aliquot.training.settings import DataSettings

MARGIN = 4096
"""Samples around a crop in which filters settle."""
NEEDED = (
    *("file", "seconds", "sample_rate", "bandwidth_hz", "bandwidth_typical_hz"),
    *("artist", "genre", "notes"),
)
"""Columns of the manifest that training reads; ``sha256`` too, if it is there."""
RATES = (44_100, 48_000)
"""Rates that a window means the same at; recordings at others are brought to the first."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the collection.

    Attributes:
        group: Artist, or kind of instrument; groups are drawn before files.
        sample_rate: In training; one of :data:`RATES`.
        bandwidth_hz: Highest frequency with content.
        typical_hz: Half of the loud moments reach it.
        sha256: Of the file; empty if the manifest does not say.
    """

    name: str
    group: str
    seconds: float
    sample_rate: int
    bandwidth_hz: float
    typical_hz: float
    chiptune: bool
    bright: bool
    sha256: str = ""

    @property
    def key(self) -> str:
        """Its name in caches: files of one name, or a file that was replaced, do not mix."""
        return "--".join(filter(None, [self.name.replace("/", "--"), self.sha256[:12]]))


class Example(NamedTuple):
    """One example in mid/side; ``limit`` and ``typical`` are bins up to where it is true."""

    degraded: NDArray[np.float32]
    original: NDArray[np.float32]
    cutoff_bin: np.float32
    typical_bin: np.float32
    limit_bin: np.float32


def read_manifest(settings: DataSettings, *, held_out: bool) -> list[Piece]:
    """The pieces to train on, or those held out.

    Raises:
        ConfigError: If manifest, held-out list and folder do not fit together, or if none of the
            pieces to train on carries treble.
    """
    folder = Path(settings.music)
    path = folder / MANIFEST
    if not path.is_file():
        raise ConfigError(
            f"no manifest at {path}; set data.music to the folder that holds it, "
            f"or make one: aliquot prepare {folder}"
        )
    listed = set(read_list(Path(settings.held_out)))
    rows = [row for row in read_rows(path, NEEDED) if row.file.startswith(settings.split)]
    if not rows:
        raise ConfigError(
            f"{path} has no row whose file begins with {settings.split!r}; "
            "set data.split to a folder in it, or to '' for all rows"
        )
    unknown = sorted(listed - {row.file for row in rows})
    if unknown:
        raise ConfigError(
            f"{settings.held_out} names {unknown[0]!r}, which is not in {path} under "
            f"data.split={settings.split!r} ({len(unknown)} such names); correct one of them"
        )
    chosen = [row for row in rows if (row.file in listed) == held_out]
    if not chosen and held_out:
        raise ConfigError(
            f"{settings.held_out} holds out no recording, so training could not measure itself; "
            "list some of each kind there, or make the list: aliquot prepare FOLDER"
        )
    if not chosen:
        raise ConfigError(f"{settings.held_out} holds out every row of {path}; shorten the list")
    missing = [row.file for row in chosen if not (folder / row.file).is_file()]
    if missing:
        raise ConfigError(
            f"{path} lists {missing[0]!r}, which is not there ({len(missing)} of {len(chosen)} "
            f"files are missing); bring them back, or run: aliquot prepare {folder}"
        )
    highest = max(row.bandwidth_hz or 0.0 for row in chosen)
    if not held_out and highest < settings.least_bandwidth_hz:
        raise ConfigError(
            f"no recording of {path} carries sound above {highest:.0f} Hz, so there is no treble "
            f"to learn; add music that reaches {settings.least_bandwidth_hz:.0f} Hz, "
            "or lower data.least_bandwidth_hz"
        )
    return [_piece(row) for row in chosen]


def _piece(row: Row) -> Piece:
    rendered = row.genre.startswith("rendered")
    return Piece(
        name=row.file,
        group=row.genre if rendered else row.artist,
        seconds=row.seconds,
        sample_rate=row.sample_rate if row.sample_rate in RATES else RATES[0],
        bandwidth_hz=row.bandwidth_hz or 0.0,
        typical_hz=row.bandwidth_typical_hz or 0.0,
        chiptune="chiptune" in row.genre,
        bright="extremely bright" in row.notes,
        sha256=row.sha256,
    )


def draw_weights(pieces: list[Piece], chiptune_share: float) -> NDArray[np.float64]:
    """Probability of each piece: groups by the root of their length, chiptune capped.

    Returns:
        ``(pieces,)``, summing to one.
    """
    lengths: dict[str, float] = {}
    for piece in pieces:
        lengths[piece.group] = lengths.get(piece.group, 0.0) + piece.seconds
    weights = np.array(
        [p.seconds / lengths[p.group] ** 0.5 * (0.3 if p.bright else 1.0) for p in pieces]
    )
    chip = np.array([p.chiptune for p in pieces])
    total, chips = weights.sum(), weights[chip].sum()
    if 0 < chips < total and chips / total > chiptune_share:
        weights[chip] *= chiptune_share / (1 - chiptune_share) * (total - chips) / chips
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def keep(path: Path, array: NDArray[np.generic]) -> None:
    """Put an array into a cache that several runs may be filling at once; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{uuid.uuid4().hex}.part.npy")
    try:
        np.save(temporary, array)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def decoded(piece: Piece, settings: DataSettings) -> NDArray[np.int16]:
    """A piece as a memory map ``(samples, channels)``, decoded once into the cache.

    Raises:
        InputError: If the recording cannot be read.
    """
    path = Path(settings.cache) / f"{piece.key}.npy"
    if not path.is_file():
        with open_reader(Path(settings.music) / piece.name) as reader:
            blocks = list(reader.blocks())
            rate = reader.info.sample_rate
        if not blocks:
            raise InputError(f"{piece.name} holds no sound; remove its row from the manifest")
        samples = resample(np.concatenate(blocks, axis=1), rate, piece.sample_rate).T
        # A lossy decoder may exceed full scale; the headroom is taken back on reading.
        whole = np.round(np.clip(samples * 0.5, -1, 1) * 32767).astype(np.int16)
        keep(path, whole)
    result: NDArray[np.int16] = np.load(path, mmap_mode="r")
    return result


def samples_of(stored: NDArray[np.int16]) -> Waveform:
    """Left and right ``(2, samples)`` of what :func:`decoded` stores; mono becomes both."""
    samples = np.asarray(stored, np.float32).T * np.float32(2 / 32767)
    return np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples[:2]


def tilted(samples: Waveform, sample_rate: int, tilt_db: float, pole_hz: float | None) -> Waveform:
    """Tilt the spectrum by ``tilt_db`` from 1 to 16 kHz; darken it by two poles if asked."""
    size = samples.shape[1]
    padded = 1 << (size + 1024).bit_length()
    freqs = np.arange(padded // 2 + 1) * (sample_rate / padded)
    octaves = np.clip(np.log2(np.maximum(freqs, 1.0) / 1_000), 0, 4.5)
    gain = 10 ** (tilt_db / 4 * octaves / 20)
    if pole_hz is not None:
        gain = gain / (1 + (freqs / pole_hz) ** 2)
    spectrum = np.fft.rfft(samples, n=padded, axis=1) * gain.astype(np.float32)
    return np.fft.irfft(spectrum, n=padded, axis=1)[:, :size].astype(np.float32)


class Examples(Dataset[Example]):
    """Endless examples; ``self[i]`` depends on nothing but the settings, the seed and ``i``."""

    def __init__(
        self,
        data: DataSettings,
        limits: DegradationRange,
        model: SpectralConfig,
        seed: int,
        *,
        held_out: bool = False,
    ) -> None:
        self.data, self.limits, self.model, self.seed = data, limits, model, seed
        self.held_out = held_out
        self.pieces = read_manifest(data, held_out=held_out)
        self.weights = draw_weights(self.pieces, data.chiptune_share)
        frames = data.loss_frames + 2 * model.context
        self.length = model.window + (frames - 1) * model.hop

    def prepare(self) -> None:
        """Decode every piece into the cache."""
        for piece in self.pieces:
            decoded(piece, self.data)

    def crop(self, rng: np.random.Generator) -> tuple[Waveform, Piece]:
        """A random crop, ``(2, length + 2 * MARGIN)`` left and right, that is not silent."""
        for _ in range(20):
            piece = self.pieces[int(rng.choice(len(self.pieces), p=self.weights))]
            whole = decoded(piece, self.data)
            size = self.length + 2 * MARGIN
            start = int(rng.integers(0, max(1, whole.shape[0] - size)))
            samples = samples_of(whole[start : start + size])
            samples = np.pad(samples, ((0, 0), (0, size - samples.shape[1])))
            if float(np.sqrt(np.mean(samples**2))) > 1e-3:
                break
        return samples, piece

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, int(self.held_out), index])
        data = self.data
        original, piece = self.crop(rng)
        limit, typical = piece.bandwidth_hz, min(piece.typical_hz, piece.bandwidth_hz)
        if rng.uniform() < data.mix_share:
            other, second = self.crop(rng)
            if second.sample_rate == piece.sample_rate:
                original = original + other * np.float32(10 ** rng.uniform(-0.6, 0.0))
                limit = min(limit, second.bandwidth_hz)
                typical = min(typical, second.typical_hz)
        original = self.augmented(original, piece.sample_rate, rng)
        degraded, cutoff_hz = self.degraded(original, piece.sample_rate, limit, rng)
        if rng.uniform() < data.floor_share:
            level = 10 ** (rng.uniform(data.floor_db[0], data.floor_db[1]) / 20)
            noise = rng.standard_normal(degraded.shape, dtype=np.float32)
            degraded = degraded + np.float32(level) * noise
        keep = slice(MARGIN, MARGIN + self.length)
        bins_per_hz = self.model.window / piece.sample_rate
        top = float(self.model.bins - 1)
        return Example(
            degraded=to_mid_side(degraded[:, keep]),
            original=to_mid_side(original[:, keep]),
            cutoff_bin=np.float32(cutoff_hz * bins_per_hz),
            typical_bin=np.float32(min(typical * bins_per_hz, top)),
            limit_bin=np.float32(min(limit * bins_per_hz, top)),
        )

    def augmented(self, samples: Waveform, sample_rate: int, rng: np.random.Generator) -> Waveform:
        """Random tilt, darkness, gain, polarity, swap of channels, fold to mono."""
        data = self.data
        dark = rng.uniform() < data.dark_share
        pole_hz = float(np.exp(rng.uniform(np.log(1_200), np.log(6_000)))) if dark else None
        tilt = float(rng.uniform(-data.tilt_db, 0.6 * data.tilt_db))
        samples = tilted(samples, sample_rate, tilt, pole_hz)
        gain = 10 ** (rng.uniform(data.gain_db[0], data.gain_db[1]) / 20) * rng.choice([-1.0, 1.0])
        if rng.uniform() < 0.5:
            samples = samples[::-1]
        if rng.uniform() < data.mono_share:
            samples = np.repeat(samples.mean(axis=0, keepdims=True), 2, axis=0)
        return np.ascontiguousarray(samples * np.float32(gain), dtype=np.float32)

    def degraded(
        self, original: Waveform, sample_rate: int, limit_hz: float, rng: np.random.Generator
    ) -> tuple[Waveform, float]:
        """A degraded copy and its cut-off, as a detector might read it."""
        low = self.limits.cutoff_hz[0]
        high = max(low * 1.2, min(self.limits.cutoff_hz[1], 0.85 * limit_hz))
        keep = slice(MARGIN // 2, -MARGIN // 2)
        for _ in range(4):  # a gentle slope can end above the range: draw a lower one
            limits = DegradationRange(self.limits.families, (low, high), self.limits.orders)
            result = degrade(original, sample_rate, draw(rng, limits))
            truth = true_cutoff_hz(original[:, keep], result[:, keep], sample_rate)
            if truth <= max(1.1 * self.limits.cutoff_hz[0], 0.9 * limit_hz):
                break
            high = max(low * 1.2, 0.7 * high)
        read = truth * (1 + self.data.cutoff_jitter * rng.standard_normal())
        return result, float(np.clip(read, low, 0.47 * sample_rate))
