"""Examples of the waveform methods: short pieces of music and the samples that are left of them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from aliquot.audio import Waveform
from aliquot.degrade.chain import coded, draw_codec
from aliquot.degrade.lowpass import Lowpass, placed
from aliquot.dsp.resample import fitted, resample
from aliquot.errors import ConfigError
from aliquot.tasks import RESAMPLER_EDGE, Task, degrade
from aliquot.training.pieces import check_parts, draw_weights, read_manifest
from aliquot.training.recordings import decoded, samples_of
from aliquot.training.settings import Settings

MARGIN = 4_800
"""Samples around a crop in which filters settle; a multiple of every factor."""
CHOICES = 48
"""Filters drawn once per run."""


class WaveExample(NamedTuple):
    """One channel of a piece; ``limit`` is the share of the band up to which it is true.

    ``degraded`` holds the low-rate samples at their places, zeros between: a network takes every
    r-th sample and interpolates them itself.
    """

    degraded: NDArray[np.float32]
    original: NDArray[np.float32]
    limit: np.float32


@lru_cache(maxsize=8)
def filters(
    factor: int, rate: int, families: tuple[str, ...], orders: tuple[int, int], seed: int
) -> tuple[Lowpass, ...]:
    """The filters of a run, families in turn, all having lost 20 dB at the same frequency.

    ``decimate`` brings SciPy's filter; ``subsample`` has none.
    """
    rng = np.random.default_rng([seed, factor])
    low, high = orders
    edge_hz = RESAMPLER_EDGE * rate / factor / 2
    return tuple(
        placed(
            Lowpass(family, edge_hz, int(rng.integers(low, high + 1)), float(rng.uniform())), rate
        )
        for family in (families * CHOICES)[:CHOICES]
    )


class WaveExamples(Dataset[WaveExample]):
    """Endless examples; ``self[i]`` depends on nothing but the settings, the seed and ``i``."""

    def __init__(self, settings: Settings, factor: int, multiple: int, *, held_out: bool) -> None:
        """Collect the pieces.

        Args:
            settings: Of the run.
            factor: By which the rate falls.
            multiple: What the network's input length must be a multiple of.
            held_out: Whether to draw from the pieces never trained on.

        Raises:
            ConfigError: If no piece reaches far enough, or the rate is no multiple of the factor.
        """
        self.settings, self.factor, self.held_out = settings, factor, held_out
        wave = settings.wave
        if wave.sample_rate % factor:
            raise ConfigError(f"wave.sample_rate {wave.sample_rate} is no multiple of x{factor}")
        self.samples = -(-wave.samples // multiple) * multiple
        everything = read_manifest(settings.data, held_out=held_out)
        self.pieces = [p for p in everything if p.bandwidth_hz >= wave.least_bandwidth_hz]
        if not self.pieces:
            best = max(p.bandwidth_hz for p in everything)
            where, cure = f"in {settings.data.music}", "add music"
            if held_out:
                where, cure = f"that {settings.data.held_out} holds out", "hold out others"
            raise ConfigError(
                f"no recording {where} reaches wave.least_bandwidth_hz "
                f"{wave.least_bandwidth_hz:.0f} Hz (the best {best:.0f}); {cure}, or lower it"
            )
        check_parts(self.pieces, (self.samples + 2 * MARGIN) / wave.sample_rate)
        self.weights = draw_weights(self.pieces, settings.data.chiptune_share)
        rate = wave.sample_rate
        edge_hz = RESAMPLER_EDGE * rate / factor / 2
        self.task = Task(f"x{factor}", rate, rate // factor, edge_hz)
        self.filters = filters(
            factor, rate, wave.families, settings.degrade.orders, settings.run.seed
        )

    def prepare(self) -> Iterator[str]:
        """Decode every piece into the cache, unless it is cropped where it lies; their names."""
        for piece in self.pieces:
            decoded(piece, self.settings.data)
            yield piece.name

    def crop(self, rng: np.random.Generator) -> tuple[Waveform, float]:
        """A random crop ``(1, samples + 2 * MARGIN)`` that is not silent, and its bandwidth."""
        rate = self.settings.wave.sample_rate
        size = self.samples + 2 * MARGIN
        for _ in range(20):
            piece = self.pieces[int(rng.choice(len(self.pieces), p=self.weights))]
            whole = decoded(piece, self.settings.data)
            need = -(-size * piece.sample_rate // rate) + 8
            start = piece.draw(need, rng)
            pair = samples_of(whole[start : start + need])
            samples = pair[int(rng.integers(2))][None]
            if piece.sample_rate != rate:
                samples = resample(samples, piece.sample_rate, rate)
            samples = fitted(samples, size)
            if float(np.sqrt(np.mean(samples**2))) > 1e-3:
                break
        return samples, piece.bandwidth_hz

    def __getitem__(self, index: int) -> WaveExample:
        rng = np.random.default_rng([self.settings.run.seed, 4 + int(self.held_out), index])
        original, bandwidth_hz = self.crop(rng)
        low_db, high_db = self.settings.data.gain_db
        if not self.held_out:
            gain = 10 ** (rng.uniform(max(low_db, -12.0), high_db) / 20) * rng.choice([-1.0, 1.0])
            original = original * np.float32(gain)
        chosen = self.filters[int(rng.integers(len(self.filters)))]
        given = coded(original, self.task.output_rate, draw_codec(rng, self.settings.degrade))
        low = degrade(given, self.task, chosen)
        degraded = np.zeros_like(original)
        degraded[:, :: self.factor] = fitted(low, -(-original.shape[1] // self.factor))
        keep = slice(MARGIN, MARGIN + self.samples)
        rate = self.settings.wave.sample_rate
        return WaveExample(
            degraded[:, keep], original[:, keep], np.float32(min(1.0, 2 * bandwidth_hz / rate))
        )
