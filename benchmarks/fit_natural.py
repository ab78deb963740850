"""Fit the prior of natural spectra in `aliquot.dsp.natural`; print its constants.

Long-term spectra of originals, 15 s and whole, up to each file's typical bandwidth; every artist
counts once. Mean and covariance by maximum likelihood. Then how well levels can be foretold from
those two octaves and more below, one artist left out at a time: the limit of any estimate.

    python benchmarks/fit_natural.py --music FOLDER --exclude settings/dev-split.txt
"""

import argparse
import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.optimize import minimize
from tqdm import tqdm

from aliquot.dsp import natural
from aliquot.dsp.bandwidth import BandwidthMeter
from aliquot.dsp.spectrum_profile import grid, smoothed_db

Floats = NDArray[np.float64]
PER_ARTIST = 6
SHORT = 5
"""Stretches of 3 s in 15 s."""
NAMES = ("SLOPE_DB", "BEND_DB", "SLOPE_SPREAD_DB", "WANDER_DB", "WANDER_OCTAVES")


@dataclass(frozen=True)
class Spectrum:
    artist: str
    levels_db: Floats


def stretches(path: Path) -> tuple[Floats, Floats, int]:
    with soundfile.SoundFile(path) as file:
        meter = BandwidthMeter(file.samplerate)
        for block in file.blocks(1 << 18, dtype="float32", always_2d=True):
            meter.update(np.ascontiguousarray(block.T))
        means, weights = meter._all_stretches()
        return means, weights, file.samplerate


def spectra(music: Path, rows: list[dict[str, str]]) -> list[Spectrum]:
    rng = np.random.default_rng(0)
    artists = defaultdict(list)
    for row in tqdm(rows):
        # Rendered instruments share no artist, but a sound.
        name = Path(row["file"]).stem
        artist = name.split("-0")[0] if name.startswith("rendered") else row["artist"]
        artists[artist].append((row, *stretches(music / row["file"])))
    found = []
    for artist, files in sorted(artists.items()):
        for number in range(PER_ARTIST):
            row, means, weights, rate = files[rng.integers(len(files))]
            count = min(len(means), SHORT) if number % 2 else len(means)
            part = slice(start := int(rng.integers(len(means) - count + 1)), start + count)
            power = weights[part] @ means[part] / weights[part].sum()
            freqs = grid(rate)
            kept = freqs * 2 ** (1 / 24) < 0.97 * float(row["bandwidth_typical_hz"])
            found.append(Spectrum(artist, smoothed_db(power, rate, freqs)[kept]))
    return found


def unlikelihood(values: Floats, found: list[Spectrum]) -> float:
    for name, value in zip(NAMES, values, strict=True):
        setattr(natural, name, float(value))
    freqs = grid(48_000)
    try:
        factor = np.linalg.cholesky(natural.covariance(freqs))
    except np.linalg.LinAlgError:
        return 1e9
    whitener, size = np.linalg.inv(factor), np.cumsum(np.log(np.diag(factor)))
    mean = natural.mean_db(freqs)
    total = 0.0
    for one in found:
        count = one.levels_db.size
        deviation = one.levels_db - mean[:count]
        white = whitener[:count, :count] @ (deviation - deviation.mean())
        total += float(white @ white / 2 + size[count - 1])
    return total / PER_ARTIST


def foretold_db(found: list[Spectrum], at_hz: float, known_hz: float) -> float:
    """RMS error of a level, an octave wide, by regression on those of three octaves below."""
    freqs = grid(44_100)

    def level(one: Spectrum, hz: float) -> float:
        near = np.abs(np.log2(freqs[: one.levels_db.size] / hz)) < 0.25
        return float(one.levels_db[near].mean())

    x = np.array([[level(one, known_hz / k) for k in (1, 2, 4)] for one in found])
    y = np.array([level(one, at_hz) for one in found]) - x[:, 2]
    x = np.column_stack([np.ones(len(x)), x[:, :2] - x[:, 2:]])
    artists = np.array([one.artist for one in found])
    errors = []
    for artist in np.unique(artists):
        out = artists == artist
        weights = np.linalg.lstsq(x[~out], y[~out], rcond=None)[0]
        errors.append(np.mean((y[out] - x[out] @ weights) ** 2))
    return float(np.sqrt(np.mean(errors)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--music", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--exclude", type=Path, required=True, help="files never looked at")
    options = parser.parse_args()
    excluded = set(options.exclude.read_text().split("\n"))
    with (options.music / "manifest.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["file"].startswith("train/") and row["file"] not in excluded
        ]
    found = spectra(options.music, rows)
    start = np.array([getattr(natural, name) for name in NAMES])
    print(f"as it is: {unlikelihood(start, found):.1f}")
    fit = minimize(
        unlikelihood, start, (found,), "Nelder-Mead", options={"maxfev": 400, "adaptive": True}
    )
    print(f"fitted: {fit.fun:.1f}", dict(zip(NAMES, fit.x.round(2).tolist(), strict=True)))
    wide = [one for one in found if one.levels_db.size > 96 + 6]
    for at_hz, known_hz in ((4_000, 2_800), (8_000, 2_800), (8_000, 4_000), (11_000, 4_000)):
        error = foretold_db(wide, at_hz, known_hz)
        print(f"level at {at_hz} Hz from levels up to {known_hz} Hz: {error:.1f} dB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
