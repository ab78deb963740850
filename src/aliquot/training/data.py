"""Training examples: random crops, degraded on the fly; example ``i`` is a function of the seed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from aliquot.audio import Waveform
from aliquot.degrade.chain import (
    DegradationRange,
    coded,
    degrade,
    draw_chain,
    draw_codec,
    response,
)
from aliquot.degrade.lowpass import Lowpass
from aliquot.degrade.truth import Powers, true_cutoff_hz
from aliquot.dsp.bandwidth import BandwidthMeter
from aliquot.dsp.longterm import LongTerm
from aliquot.dsp.stereo import to_mid_side
from aliquot.models.config import SpectralConfig
from aliquot.training.pieces import RATES, Piece, check_parts, draw_weights, read_manifest
from aliquot.training.readings import known_cutoff, known_outline, long_term_power
from aliquot.training.recordings import decoded, samples_of
from aliquot.training.settings import DataSettings

MARGIN = 4096
"""Samples around a crop in which filters settle."""
ROOM = 0.9
"""Of what an original has, the highest cut-off that leaves something to learn."""


class Example(NamedTuple):
    """One example in mid/side.

    ``limit`` and ``typical`` are bins up to where it is true, and ``long_term`` is
    :meth:`aliquot.dsp.longterm.LongTerm.at` of the degraded recording.
    """

    degraded: NDArray[np.float32]
    original: NDArray[np.float32]
    cutoff_bin: np.float32
    typical_bin: np.float32
    limit_bin: np.float32
    long_term: NDArray[np.float32]


def tilted(samples: Waveform, sample_rate: int, tilt_db: float, pole_hz: float | None) -> Waveform:
    """Tilt the spectrum by ``tilt_db`` from 1 to 16 kHz; darken it by two poles if asked."""
    size = samples.shape[1]
    padded = 1 << (size + 1024).bit_length()
    freqs = np.arange(padded // 2 + 1) * (sample_rate / padded)
    gain = tilt_gain(freqs, tilt_db, pole_hz)
    spectrum = np.fft.rfft(samples, n=padded, axis=1) * gain.astype(np.float32)
    return np.fft.irfft(spectrum, n=padded, axis=1)[:, :size].astype(np.float32)


def tilt_gain(
    freqs_hz: NDArray[np.float64], tilt_db: float, pole_hz: float | None
) -> NDArray[np.float64]:
    """Amplitudes at frequencies; see :func:`tilted`."""
    octaves = np.clip(np.log2(np.maximum(freqs_hz, 1.0) / 1_000), 0, 4.5)
    gain = 10 ** (tilt_db / 4 * octaves / 20)
    return np.asarray(gain if pole_hz is None else gain / (1 + (freqs_hz / pole_hz) ** 2))


def measured(samples: Waveform, sample_rate: int) -> LongTerm:
    """The long-term spectrum of a piece of sound."""
    meter = BandwidthMeter(sample_rate)
    meter.update(samples)
    return meter.long_term


def kept(original: Waveform, degraded: Waveform, sample_rate: int) -> Powers:
    """Power gain of every frequency, at most 1, by which a recording was degraded, ``(bins,)``."""
    before, after = (measured(samples, sample_rate).power for samples in (original, degraded))
    return np.minimum(after / (before + 1e-30), 1.0)


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
        check_parts(self.pieces, (self.length + 2 * MARGIN) / min(RATES))

    def prepare(self) -> Iterator[str]:
        """Decode and measure every piece into the cache; yields their names."""
        for piece in self.pieces:
            decoded(piece, self.data)
            long_term_power(piece, self.data)
            yield piece.name

    def crop(self, rng: np.random.Generator) -> tuple[Waveform, Piece]:
        """A random crop, ``(2, length + 2 * MARGIN)`` left and right, that is not silent."""
        for _ in range(20):
            piece = self.pieces[int(rng.choice(len(self.pieces), p=self.weights))]
            whole = decoded(piece, self.data)
            size = self.length + 2 * MARGIN
            start = piece.draw(size, rng)
            samples = samples_of(whole[start : start + size])
            samples = np.pad(samples, ((0, 0), (0, size - samples.shape[1])))
            if float(np.sqrt(np.mean(samples**2))) > 1e-3:
                break
        return samples, piece

    def __getitem__(self, index: int) -> Example:
        rng = np.random.default_rng([self.seed, int(self.held_out), index])
        data = self.data
        original, piece = self.crop(rng)
        power = long_term_power(piece, data)
        limit, typical = piece.bandwidth_hz, min(piece.typical_hz, piece.bandwidth_hz)
        if rng.uniform() < data.mix_share:
            other, second = self.crop(rng)
            if second.sample_rate == piece.sample_rate:
                gain = 10 ** rng.uniform(-0.6, 0.0)
                original = original + other * np.float32(gain)
                power = power + gain**2 * long_term_power(second, data)
                limit = min(limit, second.bandwidth_hz)
                typical = min(typical, second.typical_hz)
        original, gains = self.augmented(original, piece.sample_rate, power.size, rng)
        codec = draw_codec(rng, self.limits)
        degraded, chain, cutoff_hz = self.degraded(original, piece.sample_rate, limit, codec, rng)
        floor = 0.0
        if rng.uniform() < data.floor_share:
            floor = 10 ** (rng.uniform(data.floor_db[0], data.floor_db[1]) / 20)
            noise = rng.standard_normal(degraded.shape, dtype=np.float32)
            degraded = degraded + np.float32(floor) * noise
        left = power * gains * response(chain, piece.sample_rate, power.size) + floor**2
        known = None if codec else left  # where a codec ends is not known of the whole piece
        if codec:  # but about how much it takes is what it took of the example
            left = power * gains * kept(original, degraded, piece.sample_rate)
        low = self.limits.cutoff_hz[0]
        cutoff_hz = known_cutoff(known, piece.sample_rate, cutoff_hz, low, data, rng)
        keep = slice(MARGIN, MARGIN + self.length)
        bins_per_hz = self.model.window / piece.sample_rate
        top = float(self.model.bins - 1)
        return Example(
            degraded=to_mid_side(degraded[:, keep]),
            original=to_mid_side(original[:, keep]),
            cutoff_bin=np.float32(cutoff_hz * bins_per_hz),
            typical_bin=np.float32(min(typical * bins_per_hz, top)),
            limit_bin=np.float32(min(limit * bins_per_hz, top)),
            long_term=self.outline(left, degraded, piece.sample_rate, rng),
        )

    def outline(
        self, known: Powers, degraded: Waveform, rate: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """What is told of the recording's long-term spectrum, ``(bins,)``.

        Args:
            known: Long-term power of the degraded recording, mid and side.
            degraded: The example.
            rate: Its sample rate in Hz.
            rng: Decides.
        """
        told = known_outline(self.data, rng)
        if told == "nothing":
            return np.zeros(self.model.bins, np.float32)
        spectrum = LongTerm(known / 2, rate) if told == "whole" else measured(degraded, rate)
        return spectrum.at(rate, self.model.window)

    def augmented(
        self, samples: Waveform, sample_rate: int, bins: int, rng: np.random.Generator
    ) -> tuple[Waveform, Powers]:
        """Random tilt, darkness, gain, polarity, swap of channels, fold to mono.

        And the power gain ``(bins,)`` that goes with it.
        """
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
        freqs = np.linspace(0, sample_rate / 2, bins)
        gains = (gain * tilt_gain(freqs, tilt, pole_hz)) ** 2
        return np.ascontiguousarray(samples * np.float32(gain), dtype=np.float32), gains

    def degraded(
        self,
        original: Waveform,
        sample_rate: int,
        limit_hz: float,
        codec: str | None,
        rng: np.random.Generator,
    ) -> tuple[Waveform, tuple[Lowpass, ...], float]:
        """A degraded copy, its filters, and the true cut-off in Hz."""
        low = self.limits.cutoff_hz[0]
        high = max(low * 1.2, min(self.limits.cutoff_hz[1], 0.85 * limit_hz))
        keep = slice(MARGIN // 2, -MARGIN // 2)
        given = coded(original, sample_rate, codec)
        if codec and self.limits.codec_alone and rng.uniform() < self.limits.codec_alone:
            truth = true_cutoff_hz(original[:, keep], given[:, keep], sample_rate)
            if low < truth < ROOM * limit_hz:
                return given, (), truth
        for _ in range(4):  # what a dark original has lost is seen too high up: draw a lower one
            chain = draw_chain(rng, replace(self.limits, cutoff_hz=(low, high)), sample_rate)
            result = degrade(given, sample_rate, chain)
            truth = true_cutoff_hz(original[:, keep], result[:, keep], sample_rate)
            if truth <= max(1.1 * self.limits.cutoff_hz[0], ROOM * limit_hz):
                break
            high = max(low * 1.2, 0.7 * high)
        return result, chain, truth
