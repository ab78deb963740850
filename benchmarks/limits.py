"""What limits the model: how much artists, and how much the long view, help to foretell levels.

    python benchmarks/limits.py --music ../shared/music

Levels above a cut-off are foretold from those below by ridge regression, in closed form, from the
band powers that training caches: behind an exact wall, of the middle signal, relative to the last
third-octave, between a tenth of an octave and 1.75 octaves over the cut-off. Groups (artists, or
kinds of rendered instruments) are drawn at random ten times; the best of three penalties counts,
chosen on what is reported, so the figures flatter each row alike. A table goes to
`benchmarks/results/limits.json`.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aliquot.models.config import SpectralConfig
from aliquot.models.layers import WARP_BINS
from aliquot.models.spectral import Spectral
from aliquot.training.bands import described
from aliquot.training.pieces import Piece, read_manifest
from aliquot.training.settings import DataSettings

ROOT = Path(__file__).parent.parent
Floats = NDArray[np.float64]

CUTOFFS_HZ = (4_000.0, 5_500.0, 8_000.0)
FRAMES, DRAWS = 150, 10
PENALTIES = (1e3, 1e4, 1e5)
BELOW = np.concatenate([np.arange(0, 3, 1 / 12), np.arange(3, 6.5, 1 / 6)])
ABOVE = np.arange(0.1, 1.85, 0.15)
VIEWS = {
    "frame": ("now",),
    "frame, 17 and 61 frames": ("now", "short", "long"),
    "17 and 61 frames, whole file": ("short", "long", "mean", "loud"),
    "whole file": ("mean", "loud"),
}
CURVE = VIEWS["17 and 61 frames, whole file"]


class File(NamedTuple):
    """Frames of one file: features by name, levels above, and which of them are true."""

    group: str
    features: dict[str, Floats]
    levels: Floats
    known: NDArray[np.bool_]


def averaged(rows: Floats, width: int) -> Floats:
    """Means over ``width`` rows about each, fewer at the ends."""
    total = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    at = np.arange(len(rows))
    begin = np.clip(at - width // 2, 0, len(rows))
    end = np.clip(at + width // 2 + 1, 0, len(rows))
    return np.asarray((total[end] - total[begin]) / (end - begin)[:, None])


def read(piece: Piece, data: DataSettings, network: Spectral, cutoff_hz: float) -> File | None:
    """Describe a file as seen from a cut-off; None if it hardly reaches beyond."""
    reach_hz = min(piece.bandwidth_hz, 20_000.0)
    if reach_hz < 1.3 * cutoff_hz:
        return None
    config = network.config
    rows = np.load(described(piece, data, network, 1.0))[:, 0].astype(np.float64)
    place = np.log1p(np.arange(config.bins) / WARP_BINS)
    step = place[-1] / (config.input_bands - 1)

    def at(hz: Floats) -> Floats:
        where = np.log1p(hz * config.window / piece.sample_rate / WARP_BINS) / step
        low = np.minimum(where.astype(int), config.input_bands - 2)
        part = where - low
        return np.asarray(rows[:, low] * (1 - part) + rows[:, low + 1] * part)

    last_third = at(0.97 * cutoff_hz * 2.0 ** -np.arange(0, 1 / 3, 1 / 12))
    anchor = averaged(np.log10((10**last_third).mean(axis=1))[:, None], 3)
    absolute = at(0.97 * cutoff_hz * 2.0**-BELOW)
    below = np.clip(absolute - anchor, -7, 6)
    above = np.log10(averaged(10 ** at(cutoff_hz * 2.0**ABOVE), 5) + 1e-13) - anchor
    heard = np.flatnonzero(anchor[:, 0] > np.median(anchor) - 2.5)
    rng = np.random.default_rng(len(rows))
    chosen = rng.choice(heard, min(FRAMES, heard.size), replace=False)
    loud = np.log10((10**absolute).mean(axis=0)) - np.log10((10**anchor).mean())
    features = {
        "now": below[chosen],
        "short": np.hstack([averaged(below, 17), anchor - averaged(anchor, 17)])[chosen],
        "long": np.hstack([averaged(below, 61), anchor - averaged(anchor, 61)])[chosen],
        "mean": np.hstack([np.tile(below[heard].mean(0), (len(rows), 1)), anchor])[chosen],
        "loud": np.tile(loud, (chosen.size, 1)),
    }
    features["mean"][:, -1] -= anchor[heard].mean()
    known = cutoff_hz * 2**ABOVE < 0.97 * reach_hz
    return File(piece.group, features, np.clip(above[chosen], -6, 3), known)


def shown(file: File, names: tuple[str, ...]) -> Floats:
    """All features of a file's frames, and a constant."""
    return np.hstack([*(file.features[name] for name in names), np.ones((len(file.levels), 1))])


def errors(
    trained: list[File], tested: dict[str, list[File]], names: tuple[str, ...]
) -> dict[str, float]:
    """Mean distance in dB on each set, of the best penalty."""
    sizes: dict[str, int] = {}
    for file in trained:
        sizes[file.group] = sizes.get(file.group, 0) + 1
    rows = np.vstack([shown(file, names) for file in trained])
    middle = np.append(rows[:, :-1].mean(axis=0), 0.0)
    rows = rows - middle
    levels = np.vstack([file.levels for file in trained])
    known = np.vstack([np.tile(file.known, (len(file.levels), 1)) for file in trained])
    weight = np.concatenate([[sizes[file.group] ** -0.5] * len(file.levels) for file in trained])
    found = []
    for penalty in PENALTIES:
        ridge = np.full(rows.shape[1], penalty * weight.mean() * len(rows) / 20_000)
        ridge[-1] = 1e-6
        maps = []
        for level, there in zip(levels.T, known.T, strict=True):
            scaled = rows[there] * weight[there, None]
            maps.append(
                np.linalg.solve(scaled.T @ rows[there] + np.diag(ridge), scaled.T @ level[there])
            )
        found.append(
            {
                name: float(
                    np.mean(
                        [
                            10
                            * np.abs((shown(f, names) - middle) @ np.array(maps).T - f.levels)[
                                :, f.known
                            ].mean()
                            for f in files
                        ]
                    )
                )
                for name, files in tested.items()
            }
        )
    return min(found, key=lambda one: sum(one.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, default=ROOT.parent / "shared" / "music")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs" / "cache")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/limits.json")
    given = parser.parse_args()
    network = Spectral(SpectralConfig())
    held_out = ROOT / "settings" / "dev-split.txt"
    train = DataSettings(music=str(given.music), held_out=str(held_out), cache=str(given.cache))
    pieces = {
        "train": read_manifest(train, held_out=False),
        "dev": read_manifest(train, held_out=True),
        "valid": read_split(given.music, "valid/", train),
    }
    table = []
    for cutoff_hz in CUTOFFS_HZ:
        files = {
            name: [f for p in some if (f := read(p, train, network, cutoff_hz)) is not None]
            for name, some in pieces.items()
        }
        trained = files.pop("train")
        for view, names in VIEWS.items():
            row = {"cutoff_hz": cutoff_hz, "shown": view, **errors(trained, files, names)}
            table.append(row)
            print(row, flush=True)
        groups = sorted({file.group for file in trained})
        rng = np.random.default_rng(0)
        doublings = [2**n for n in range(1, 12) if 2**n < len(groups)]
        for count in (*doublings, len(groups)):
            draws = []
            for _ in range(DRAWS if count < len(groups) else 1):
                drawn = set(rng.permutation(groups)[:count])
                some = [file for file in trained if file.group in drawn]
                draws.append(errors(some, files, CURVE))
            means = {name: float(np.mean([one[name] for one in draws])) for name in files}
            row = {"cutoff_hz": cutoff_hz, "groups": count, **means}
            table.append(row)
            print(row, flush=True)
    rounded = [
        {key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()} for row in table
    ]
    given.out.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


def read_split(music: Path, split: str, data: DataSettings) -> list[Piece]:
    """All pieces of another part of the collection."""
    import csv
    import tempfile
    from dataclasses import replace

    with (music / "manifest.csv").open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["file"].startswith(split)]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "all.txt"
        listed.write_text("\n".join(names) + "\n", encoding="utf-8")
        return read_manifest(replace(data, split=split, held_out=str(listed)), held_out=True)


if __name__ == "__main__":
    main()
