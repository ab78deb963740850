"""Fingerprints of a whole collection, and the recording among them that sounds like another."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aliquot.collect.column import Column
from aliquot.collect.spectralhash import (
    BITS,
    EMPTY,
    SPECTRAL_HASH,
    Fingerprint,
    FingerprintMeter,
    Scheme,
    Words,
)

__all__ = [
    "EMPTY", "SPECTRAL_HASH", "Fingerprint", "FingerprintIndex", "FingerprintMeter", "Match",
    "Scheme",
]  # fmt: skip

LEAST_SHARE = 0.8
"""Of the shorter of two recordings the part that must sound the same, for one to be part of the
other; of the longer, for them to be one: a quotation is no duplicate."""


@dataclass(frozen=True, slots=True)
class Match:
    """A recording that sounds the same.

    Attributes:
        name: As it was added.
        error: Share of bits, 0-1, that differ where the two overlap; 0.5 is chance.
        offset_seconds: Where the one searched for begins in the one found; may be negative.
        share: Of the longer of the two that the other covers, 0-1.
    """

    name: str
    error: float
    offset_seconds: float
    share: float

    @property
    def whole(self) -> bool:
        """Whether the two are one recording, rather than one a part of the other."""
        return self.share >= LEAST_SHARE


class FingerprintIndex:
    """Fingerprints of many recordings, to be searched in milliseconds.

    A word that two recordings share exactly is a vote for their being the same at one offset; the
    offsets with most votes are compared bit by bit. Of a recording of four minutes 33 kB are kept
    on the disk; memory does not grow with their number.

    >>> index = FingerprintIndex()
    >>> words = np.random.default_rng(0).integers(0, 2**32, 400, np.uint32)
    >>> index.add("a.flac", Fingerprint(words, np.zeros(400, np.uint8)))
    >>> index.find(Fingerprint(words[64:], np.zeros(336, np.uint8)))
    Match(name='a.flac', error=0.0, offset_seconds=3.0, share=0.84)
    """

    LEAST_SECONDS = 5.0
    """Of audible overlap; less is too little to tell."""
    MOST_SECONDS = 900.0
    """What comes later in a recording is not compared."""
    COMMON = 200
    """Words that occur more often than this are those of held notes, and no votes."""
    CANDIDATES = 48
    """Offsets compared bit by bit."""
    RUN = 1 << 18
    """Keys that are sorted together; those of one unfinished run lie in memory."""

    def __init__(self, scheme: Scheme = SPECTRAL_HASH, folder: Path | None = None) -> None:
        """An index of nothing yet.

        Args:
            scheme: Of all the fingerprints; those of another are never found.
            folder: Where they lie while the index is in use; None for the system's own.

        Raises:
            OutputError: If nothing can be written there.
        """
        self._scheme, self._step = scheme, scheme.step
        self._names: list[str] = []
        self._starts: list[int] = [0]
        self._words, self._audible = Column(np.uint32, folder), Column(np.bool_, folder)
        self._keys, self._runs = Column(np.uint64, folder), [0]
        """Word and place of every moment, in sorted runs, and where the runs end."""
        self._recent: NDArray[np.uint64] = np.zeros(0, np.uint64)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, fingerprint: Fingerprint) -> None:
        """Add a recording.

        Args:
            name: Given back by :meth:`find`.
            fingerprint: Of the recording; an empty one is never found.

        Raises:
            OutputError: If the disk is full.
        """
        words, audible = (part[:: self._step] for part in self._head(fingerprint))
        places = self._starts[-1] + np.flatnonzero(audible)
        keys = words[audible].astype(np.uint64) << np.uint64(32) | places.astype(np.uint64)
        self._words.append(words)
        self._audible.append(audible)
        self._names.append(name)
        self._starts.append(self._starts[-1] + words.size)
        self._recent = np.sort(np.concatenate([self._recent, keys]), kind="stable")  # a merge
        if self._recent.size > self.RUN:
            self._keys.append(self._recent)
            self._runs.append(len(self._keys))
            self._recent = self._recent[:0].copy()

    def find(self, fingerprint: Fingerprint) -> Match | None:
        """The recording that sounds most like this one, if any sounds the same.

        Args:
            fingerprint: Of any recording.

        Returns:
            The best match; None if there is none, or if the fingerprint is too short to tell.
        """
        words, audible = self._head(fingerprint)
        best: Match | None = None
        for track, offset in self._candidates(words, audible):
            match = self._compared(track, offset, words, audible)
            if match is None or match.error > self._scheme.most_error:
                continue
            if best is None or (match.whole, -match.error) > (best.whole, -best.error):
                best = match
        return best

    def _head(self, fingerprint: Fingerprint) -> tuple[Words, NDArray[np.bool_]]:
        if fingerprint.scheme != self._scheme:
            fingerprint = EMPTY
        most = round(self.MOST_SECONDS / self._scheme.hop_seconds)
        return fingerprint.words[:most], fingerprint.audible()[:most]

    def _candidates(self, words: Words, audible: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Tracks, and offsets in hops, with most votes: one vote for each word they share."""
        times = np.flatnonzero(audible)
        places, moments = self._votes(words[times], times)
        if not places.size:
            return []
        tracks = np.searchsorted(self._starts, places, side="right") - 1
        offsets = self._step * (places - np.asarray(self._starts)[tracks]) - moments
        span = 1 << 24  # more than any offset
        keys, counts = np.unique(tracks * span + offsets + span // 2, return_counts=True)
        order = np.argsort(-counts, kind="stable")[: self.CANDIDATES]
        return [(int(key // span), int(key % span) - span // 2) for key in keys[order]]

    def _votes(
        self, words: Words, times: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of equal words, and the moments of the query they belong to."""
        order = np.argsort(words, kind="stable")  # sorted needles are found several times as fast
        words, times = words[order], times[order]
        low = words.astype(np.uint64) << np.uint64(32)
        high = low | np.uint64(0xFFFFFFFF)
        total = np.zeros(words.size, np.int64)
        votes = [(np.zeros(0, np.uint64), np.zeros(0, np.int64))]
        for keys in self._sorted_runs():
            first = np.searchsorted(keys, low)
            count = np.searchsorted(keys, high, side="right") - first
            total += count
            count[total > self.COMMON] = 0
            asked = np.repeat(np.arange(words.size), count)
            within = np.arange(asked.size) - np.repeat(np.cumsum(count) - count, count)
            votes.append((keys[first[asked] + within] & np.uint64(0xFFFFFFFF), asked))
        places, asked = (np.concatenate(parts) for parts in zip(*votes, strict=True))
        rare = total[asked] <= self.COMMON
        return places[rare].astype(np.int64), times[asked[rare]]

    def _sorted_runs(self) -> Iterator[NDArray[np.uint64]]:
        for first, after in pairwise(self._runs):
            yield self._keys.read(first, after)
        yield self._recent

    def _compared(
        self, track: int, offset: int, words: Words, audible: NDArray[np.bool_]
    ) -> Match | None:
        """How well two recordings agree where both sound; None if they overlap too little.

        Moment ``m`` of the query lies at place ``(m + offset) / step``.
        """
        place = self._starts[track], self._starts[track + 1]
        there, heard = self._words.read(*place), self._audible.read(*place)
        begin = max(0, -(-offset // self._step))
        first = self._step * begin - offset
        here, sounds = words[first :: self._step], audible[first :: self._step]
        length = min(there.size - begin, here.size)
        shorter, longer = sorted((there.size, -(-words.size // self._step)))
        if length < LEAST_SHARE * shorter:
            return None
        both = heard[begin : begin + length] & sounds[:length]
        hop = self._step * self._scheme.hop_seconds
        if np.count_nonzero(both) * hop < self.LEAST_SECONDS - self._scheme.span_seconds:
            return None
        apart = there[begin : begin + length] ^ here[:length]
        error = float(np.bitwise_count(apart[both]).mean()) / BITS
        return Match(self._names[track], error, offset * self._scheme.hop_seconds, length / longer)
