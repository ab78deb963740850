"""Whether a classifier can tell restored treble from real treble.

Distances say how far a restoration is from its original; this says whether it sounds like one at
all. Short excerpts are described by what their log-mel bands above the cut-off do over time, and a
logistic regression (Hastie, Tibshirani and Friedman, section 4.4) learns to tell two sets apart on
all artists but one, and is asked about that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aliquot.metrics.bands import (
    FLOOR,
    HOP,
    TOP_HZ,
    WINDOW,
    Power,
    band_energies,
    bin_range,
    mel_edges,
    smoothed,
)

EXCERPT_SECONDS = 2.0
"""Long enough for some notes, short enough for hundreds of excerpts."""
REALNESS_BANDS = 12
"""Mel bands from the cut-off to where the original ends: as many for every recording."""
RIDGE = 30.0
"""Strength of the penalty on the weights of standardised features."""
QUIET_DB = 60.0
"""Excerpts this far under the loudest of their recording say nothing."""
VALID_FROM = 0.95
"""A classifier that tells noise-fill less surely than this is too weak to judge anything."""
_RESAMPLES = 1_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of the excerpts of one recording.

    Attributes:
        file: Its name.
        artist: Whose it is; nobody is judged by what was learned from himself.
        features: ``(excerpts, features)``.
    """

    file: str
    artist: str
    features: Floats


@dataclass(frozen=True, slots=True)
class Realness:
    """How well restored and original are told apart.

    Attributes:
        accuracy: Mean of the shares of originals and of restored that are recognised; 0.5 is
            guessing, the goal.
        low: Lower end of its 95 % interval, by resampling recordings.
        high: Upper end.
        excerpts: Of both kinds together.
    """

    accuracy: float
    low: float
    high: float
    excerpts: int


def describe(powers: Power, sample_rate: int, cutoff_hz: float, upper_hz: float) -> Floats:
    """Features of every excerpt of one channel.

    Of each band: its mean level (of the first relative to the whole frame, of the others to the
    band below), spread over time, mean step from frame to frame, lowest and highest tenth, and
    spread of its bins; and how far neighbouring bands move together.

    Args:
        powers: ``(frames, 513)`` power spectrogram.
        sample_rate: In Hz.
        cutoff_hz: Above which treble is described.
        upper_hz: Up to which; at most 20 kHz.

    Returns:
        ``(excerpts, features)``; silent excerpts are NaN, so that rows of an original and of its
        restorations stay side by side.
    """
    edges = mel_edges(cutoff_hz, min(upper_hz, TOP_HZ, sample_rate / 2), REALNESS_BANDS)
    ranges = [bin_range(low, high, sample_rate, WINDOW) for low, high in pairwise(edges)]
    bands = tuple((first, max(last, first + 1)) for first, last in ranges)
    totals = np.log10(powers.sum(axis=1, dtype=np.float64) + FLOOR) * 10
    levels = 10 * np.log10(np.maximum(smoothed(band_energies(powers, bands)), FLOOR))
    logs = [10 * np.log10(np.maximum(powers[:, first:last], FLOOR)) for first, last in bands]
    spreads = np.stack([log.std(axis=1, dtype=np.float64) for log in logs], axis=1)
    frames = int(EXCERPT_SECONDS * sample_rate / HOP)
    rows = []
    for start in range(0, len(levels) - frames + 1, frames):
        part = slice(start, start + frames)
        rows.append(_excerpt(levels[part], spreads[part], totals[part], totals.max()))
    return np.array(rows).reshape(len(rows), -1)


def _excerpt(levels: Floats, spreads: Floats, totals: Floats, loudest: float) -> Floats:
    """Features of one excerpt: ``levels`` and ``spreads`` ``(frames, bands)`` in dB."""
    mean = levels.mean(axis=0)
    centred = levels - mean
    deviation = centred.std(axis=0)
    together = (centred[:, 1:] * centred[:, :-1]).mean(axis=0)
    low, high = np.percentile(levels, [10, 90], axis=0) - mean
    features = np.concatenate(
        [
            np.diff(mean, prepend=totals.mean()),
            deviation,
            np.abs(np.diff(levels, axis=0)).mean(axis=0),
            low,
            high,
            spreads.mean(axis=0),
            together / (deviation[1:] * deviation[:-1] + 1e-3),
        ]
    )
    return np.full_like(features, np.nan) if totals.max() < loudest - QUIET_DB else features


def tell_apart(original: Sequence[Clues], restored: Sequence[Clues]) -> Realness:
    """How well a classifier that has heard the other artists tells restored from original.

    Args:
        original: Of each recording.
        restored: Of the same recordings, in the same order.

    Returns:
        Its balanced accuracy; NaN if there are fewer than two artists.
    """
    rows, kinds, artists, files = [], [], [], []
    for number, (real, made) in enumerate(zip(original, restored, strict=True)):
        known = np.isfinite(real.features).all(axis=1) & np.isfinite(made.features).all(axis=1)
        for kind, clues in ((0.0, real), (1.0, made)):
            rows.append(clues.features[known])
            kinds += [kind] * int(known.sum())
            artists += [real.artist] * int(known.sum())
            files += [number] * int(known.sum())
    features, labels = np.concatenate(rows), np.array(kinds)
    right = np.full(len(labels), np.nan)
    for artist in sorted(set(artists)):
        asked = np.array([name == artist for name in artists])
        if asked.all():
            break
        guess = _learned(features[~asked], labels[~asked], features[asked])
        right[asked] = (guess > 0) == (labels[asked] > 0)
    if np.isnan(right).any() or not right.size:
        return Realness(float("nan"), float("nan"), float("nan"), len(labels))
    low, high = _interval(right, labels, np.array(files))
    return Realness(_balanced(right, labels), low, high, len(labels))


def _learned(features: Floats, labels: Floats, asked: Floats) -> Floats:
    """Log odds of ``asked`` by ridge logistic regression, fitted by Newton's method."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    known = np.column_stack([(features - mean) / scale, np.ones(len(features))])
    penalty = np.full(known.shape[1], RIDGE)
    penalty[-1] = 1e-6
    weights = np.zeros(known.shape[1])
    for _ in range(30):
        share = 1 / (1 + np.exp(-np.clip(known @ weights, -30, 30)))
        slope = known.T @ (share - labels) + penalty * weights
        curve = (known * (share * (1 - share) + 1e-9)[:, None]).T @ known + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    odds: Floats = np.clip((asked - mean) / scale, -8, 8) @ weights[:-1] + weights[-1]
    return odds


def _balanced(right: Floats, labels: Floats) -> float:
    return float((right[labels == 0].mean() + right[labels == 1].mean()) / 2)


def _interval(right: Floats, labels: Floats, files: NDArray[np.int64]) -> tuple[float, float]:
    """95 % interval by resampling recordings: excerpts of one are not independent."""
    rng = np.random.default_rng(0)
    names = np.unique(files)
    sums = np.array(
        [
            [right[(files == name) & (labels == kind)].sum() for kind in (0, 1)]
            + [((files == name) & (labels == kind)).sum() for kind in (0, 1)]
            for name in names
        ]
    )
    drawn = sums[rng.integers(0, len(names), (_RESAMPLES, len(names)))].sum(axis=1)
    low, high = np.percentile((drawn[:, :2] / drawn[:, 2:]).mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
