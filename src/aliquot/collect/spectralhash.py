"""The same music in another file: by a spectral hash that survives codecs, gain and a cut start.

The idea is that of J. Haitsma and T. Kalker, "A highly robust audio fingerprinting system", ISMIR
2002: every moment is a word of 32 bits, and a bit says whether the difference of two neighbouring
bands between 300 and 2,000 Hz grows or falls with time. Codecs, gain and equalisers hardly move
these signs. Here moments are 47 ms apart instead of 12, and of what is searched every second one is
kept, so that memory is an eighth; growth is taken over a longer time in return, and a quarter of a
step of misalignment, the most there can be, does little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aliquot.audio import Waveform
from aliquot.dsp.stft import hann

HOP_SECONDS = 3 / 64
FRAME_HOPS = 8
"""Hops in a frame: 0.375 s."""
LAG = 8
"""Hops over which a band's growth is taken: frames that do not overlap."""
BITS = 32
LOWEST_HZ, HIGHEST_HZ = 300.0, 2_000.0
AUDIBLE_DB = 50.0
"""Moments that lie further under the loudest one say nothing: codecs and dither fill them."""
FAINTEST_DB = 120
"""Under full scale; nothing is there, and the signs of nothing are the same in every recording."""

Words = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to make words; those of two schemes have nothing in common.

    Attributes:
        name: As it is stored; another name for whatever makes other words.
        hop_seconds: From one word to the next.
        span_seconds: Of sound that a word looks at.
        step: Of what is searched, every how many words are kept.
        most_error: Share of bits, 0-1, up to which two recordings sound the same.
    """

    name: str
    hop_seconds: float
    span_seconds: float
    step: int
    most_error: float


SPECTRAL_HASH = Scheme("spectral-hash-1", HOP_SECONDS, (FRAME_HOPS + LAG) * HOP_SECONDS, 2, 0.18)
"""Ours. One song through two codecs stays under 0.17; a song and one of its stems have 0.05 to
0.27, different songs 0.38 and more."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a recording to find it again: 5 bytes for every 47 ms, or fewer.

    Attributes:
        words: ``(moments,)`` 32 bits each; empty if the recording is too short or too slow.
        levels: ``(hops,)`` level of each hop as dB *under* full scale, 0 to 255; a sine at full
            scale has 0.
        scheme: How the words were made.
    """

    words: Words
    levels: NDArray[np.uint8]
    scheme: Scheme = SPECTRAL_HASH

    def audible(self) -> NDArray[np.bool_]:
        """Which moments are loud enough to say anything ``(moments,)``."""
        if not self.words.size:
            return np.zeros(0, np.bool_)
        hops = np.rint(np.arange(self.words.size) * (self.scheme.hop_seconds / HOP_SECONDS))
        places = np.minimum(hops.astype(np.intp), self.levels.size - 1)
        levels = self.levels[places].astype(np.int16)
        near: NDArray[np.bool_] = levels <= min(levels.min() + AUDIBLE_DB, FAINTEST_DB)
        return near

    def usual_db(self, silence_db: float) -> float | None:
        """The level that half of the hops above ``silence_db`` exceed; None if there are none."""
        heard = self.levels[self.levels < -silence_db]
        return -float(np.median(heard)) if heard.size else None


EMPTY = Fingerprint(np.zeros(0, np.uint32), np.zeros(0, np.uint8))


class FingerprintMeter:
    """Take a recording's fingerprint block by block; the result does not depend on how it is cut.

    >>> meter = FingerprintMeter(8_000)
    >>> meter.update(np.zeros((1, 8_000), np.float32))
    >>> result = meter.result()
    >>> result.words.size, result.levels[:2].tolist()
    (6, [200, 200])
    """

    def __init__(self, sample_rate: int) -> None:
        """Start a measurement.

        Args:
            sample_rate: In Hz; at 4 kHz and more all bands are there.
        """
        self._hop = HOP_SECONDS * sample_rate
        self._window = round(FRAME_HOPS * self._hop)
        self._taper = hann(self._window)
        self._size = _quick_size(self._window)
        edges = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (np.arange(BITS + 2) / (BITS + 1))
        self._edges = np.rint(edges * self._size / sample_rate).astype(int)
        self._bands: list[NDArray[np.float64]] = []
        self._levels: list[float] = []
        self._pending: Waveform | None = None
        self._begin = 0
        """Where the pending samples lie in the recording."""

    def update(self, block: Waveform) -> None:
        """Take the next samples.

        Args:
            block: ``(channels, samples)``, finite.
        """
        pending = block if self._pending is None else np.concatenate([self._pending, block], axis=1)
        while True:
            start = round(len(self._levels) * self._hop) - self._begin
            if start + self._window > pending.shape[1]:
                break
            self._levels.append(self._level(pending, start))
            frame = pending[:, start : start + self._window].mean(axis=0) * self._taper
            spectrum = np.fft.rfft(frame, self._size)[: self._edges[-1]]
            power = spectrum.real**2 + spectrum.imag**2
            self._bands.append(np.add.reduceat(power, self._edges[:-1]))
        start = max(0, start)
        self._pending, self._begin = pending[:, start:].copy(), self._begin + start

    def _level(self, samples: Waveform, start: int) -> float:
        hop = samples[:, start : start + round(self._hop)]
        return float(2 * np.square(hop, dtype=np.float64).mean())

    def close(self) -> None:
        """Nothing is open."""

    def result(self) -> Fingerprint:
        """The fingerprint so far; more blocks may follow."""
        powers = list(self._levels)
        pending = self._pending if self._pending is not None else np.zeros((1, 0), np.float32)
        start = 0
        while start + round(self._hop) <= pending.shape[1]:  # hops that begin no whole frame
            powers.append(self._level(pending, start))
            start = round(len(powers) * self._hop) - self._begin
        level_db = 10 * np.log10(np.maximum(np.array(powers), 1e-20))
        levels = np.clip(np.rint(-level_db), 0, 255).astype(np.uint8)
        if len(self._bands) <= LAG:
            return Fingerprint(EMPTY.words, levels)
        bands = np.array(self._bands)
        slope = bands[:, :-1] - bands[:, 1:]
        signs = slope[LAG:] > slope[:-LAG]
        words = np.packbits(signs, axis=1).view(">u4")[:, 0].astype(np.uint32)
        return Fingerprint(words, levels)


def _quick_size(least: int) -> int:
    """The smallest size of a Fourier transform, no smaller than this, that is done quickly.

    >>> _quick_size(16_538)
    16875
    """
    # An odd size may be prime, and takes ten times as long.
    smooth = (2**a * 3**b * 5**c for a in range(20) for b in range(6) for c in range(6))
    return int(min(size for size in smooth if size >= least))
