"""Fit an added band under full scale without a hole in it, and without touching what was given."""

from collections.abc import Callable

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.splice import high_band_response

CORE, MARGIN = 12_288, 2_048
"""Samples worked on at a time, and samples seen on each side of them."""
DISTANCE = 2.0**-7
"""Peaks are aimed this far below the ceiling, so that few steps bring them under it."""
ENOUGH = 4e-9
"""Steps end when the excess has less power than this (-84 dB full scale); the rest is cut off."""
MOST_STEPS = 48
PATIENCE, PROGRESS = 4, 0.8
"""They also end when so many of them leave more than this part of the excess: where given samples
lie at full scale in long rows there is no treble that fits, and 40 more steps take 1 dB off."""


class Headroom:
    """Lower the peaks of a sum of given and added band, by changing nothing but the added band.

    Loud recordings have thousands of samples so near full scale that nothing may be added to
    them. To turn the added band down around each would leave it full of holes. What must give
    way is less: a short pulse for each peak, made of treble alone. So the added band is moved
    to the nearest signal whose sum stays under the ceiling, in steps that take the excess,
    high-pass filtered, away: accelerated projected gradients (Beck and Teboulle, "A fast
    iterative shrinkage-thresholding algorithm", 2009, section 4), known in radio as peak
    cancellation. Silence is always such a signal, so there is one.

    Works on pieces of fixed length at absolute positions: the result does not depend on how the
    stream comes in blocks.

    Args:
        channels: Of the stream.
        sample_rate: In Hz.
        cutoff: Gives the cut-off in Hz above which the added band may be changed, for the samples
            from one position up to another.
        ceiling: Largest magnitude of the sum. Given samples above it stay, up to 1.

    Attributes:
        energies: Of the added band before and after.
        clipped: Given samples beyond full scale, which an integer cannot hold.
    """

    def __init__(
        self,
        channels: int,
        sample_rate: int,
        cutoff: Callable[[int, int], float],
        ceiling: float = 1.0 - 2.0**-15,
    ) -> None:
        self.sample_rate, self.cutoff, self.ceiling = sample_rate, cutoff, np.float32(ceiling)
        self.energies = np.zeros(2)
        self.clipped = 0
        self.done = 0
        # Both begin with the margin before the piece that comes out next.
        self.given = np.zeros((channels, MARGIN), np.float32)
        self.high = np.zeros((channels, MARGIN), np.float32)

    @property
    def lost_db(self) -> float:
        """Energy that the added band has lost, in dB, 0 or more."""
        before, after = (float(energy) for energy in self.energies)
        if not before:
            return 0.0
        return max(0.0, 10 * float(np.log10(before / max(after, 1e-10 * before))))

    def process(self, given: Waveform, high: Waveform) -> tuple[Waveform, Waveform]:
        """Take both signals, ``(channels, n)``; return them as far as they are known.

        The given samples come out as they went in but for those beyond full scale, which are cut
        off there.
        """
        self.clipped += int(np.count_nonzero(np.abs(given) > 1.0))
        self.given = np.concatenate([self.given, np.clip(given, -1.0, 1.0)], axis=1)
        self.high = np.concatenate([self.high, high], axis=1)
        parts = []
        while self.given.shape[1] >= CORE + 2 * MARGIN:
            parts.append(self._next())
        nothing = self.given[:, :0]
        return (
            np.concatenate([nothing, *(part[0] for part in parts)], axis=1),
            np.concatenate([nothing, *(part[1] for part in parts)], axis=1),
        )

    def flush(self) -> tuple[Waveform, Waveform]:
        """End the stream; return the rest."""
        length = self.given.shape[1] - MARGIN
        silence = np.zeros((self.given.shape[0], -length % CORE + MARGIN), np.float32)
        given, high = self.process(silence, silence)
        return given[:, :length], high[:, :length]

    def _next(self) -> tuple[Waveform, Waveform]:
        window, core = slice(0, CORE + 2 * MARGIN), slice(MARGIN, MARGIN + CORE)
        given, high = self.given[:, window], self.high[:, window]
        fitted = high
        if (np.abs(given + high) > self.ceiling).any():
            begin = self.done - MARGIN
            fitted = self._fitted(given, high, self.cutoff(begin, begin + given.shape[1]))
        given, high, fitted = given[:, core], high[:, core], fitted[:, core]
        self.energies += [float(np.vdot(high, high)), float(np.vdot(fitted, fitted))]
        self.given, self.high = self.given[:, CORE:], self.high[:, CORE:]
        self.done += CORE
        return given, fitted

    def _fitted(self, given: Waveform, high: Waveform, cutoff_hz: float) -> Waveform:
        """The added band of a window, moved under the ceiling."""
        # Wrapping around reaches into the margins only.
        response = high_band_response(self.sample_rate, cutoff_hz, given.shape[1])
        response = response.astype(np.float32)
        zero = np.float32(0)
        most = np.maximum(self.ceiling - given, zero)
        least = np.minimum(-self.ceiling - given, zero)
        upper = np.maximum(most - np.float32(DISTANCE), zero)
        lower = np.minimum(least + np.float32(DISTANCE), zero)
        step, moved, ahead = 1.0, high, high
        powers: list[float] = []
        for _ in range(MOST_STEPS):
            excess = ahead - np.clip(ahead, lower, upper)
            treble = np.fft.irfft(np.fft.rfft(excess, axis=1) * response, axis=1)
            last, moved = moved, (ahead - treble).astype(np.float32)
            rest = moved - np.clip(moved, least, most)
            powers.append(float(np.vdot(rest, rest)) / rest.size)
            stuck = len(powers) > PATIENCE and powers[-1] > PROGRESS * powers[-1 - PATIENCE]
            if powers[-1] <= ENOUGH or stuck:
                break
            following = (1 + (1 + 4 * step * step) ** 0.5) / 2
            ahead = moved + np.float32((step - 1) / following) * (moved - last)
            step = following
        result: Waveform = moved - rest
        return result
