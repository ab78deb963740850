"""Cut-off detection against the measured truth: `python benchmarks/cutoff.py --music FOLDER`.

FOLDER holds `manifest.csv` and the files it lists. Excerpts of the files of `--split` are degraded
by every filter family and codec; then every full-band original is measured whole. Prints a table
and writes `benchmarks/results/cutoff.json`.
"""

import argparse
import csv
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from aliquot.audio import Waveform
from aliquot.degrade.codec import round_trip
from aliquot.degrade.lowpass import Lowpass, lowpass, placed
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.bandwidth import BandwidthMeter, estimate_bandwidth

CUTOFFS_HZ = (3_000.0, 4_000.0, 5_500.0, 8_000.0, 11_000.0, 13_000.0, 16_000.0)
FAMILIES = {
    "brickwall": ("brickwall", 8, 0.7),
    "soxr": ("soxr", 8, 1.0),
    "sinc 5 %": ("sinc", 8, 0.66),
    "sinc 13 %": ("sinc", 8, 0.3),
    "elliptic 8": ("elliptic", 8, 0.7),
    "chebyshev1 8": ("chebyshev1", 8, 0.7),
    "butterworth 12": ("butterworth", 12, 0.7),
    "butterworth 8": ("butterworth", 8, 0.7),
    "bessel 8": ("bessel", 8, 0.7),
    "butterworth 4": ("butterworth", 4, 0.7),
    "butterworth 2": ("butterworth", 2, 0.7),
}
PLACED = {
    "bessel 8, placed": ("bessel", 8, 0.7),
    "butterworth 4, placed": ("butterworth", 4, 0.7),
    "butterworth 2, placed": ("butterworth", 2, 0.7),
}
"""Moved as the evaluation's tasks are: so that 20 dB are lost at ``PLACED_HZ``."""
PLACED_HZ = (4_000.0, 5_500.0, 8_000.0, 11_000.0)
FLOORS_DBFS = (-98.0, -70.0)
"""White noise (16-bit rounding, hiss) laid over one steep and some gentle filters."""
FLOORED = ("soxr", "butterworth 8", "bessel 8, placed", "butterworth 4, placed")
CODECS = (("mp3", 64), ("mp3", 96), ("mp3", 128), ("aac", 96), ("aac", 128), ("vorbis", 0))
EXCERPT_SECONDS = 15
STEEP_DB_PER_OCTAVE = 96.0


@dataclass(frozen=True)
class Case:
    file: str
    excerpt: int
    family: str
    nominal_hz: float
    steep: bool
    truth_hz: float
    found_hz: float
    confidence: float
    beyond_original: bool
    """The degradation ends above what the original itself holds: nothing can be found there."""

    @property
    def error_hz(self) -> float:
        return self.found_hz - self.truth_hz

    @property
    def right(self) -> bool:
        limit_hz = 300.0 if self.steep else 0.1 * self.truth_hz
        return abs(self.error_hz) <= limit_hz

    @property
    def harmful(self) -> bool:
        """So far under the truth that sound would be added to what is there."""
        return self.error_hz < -0.5 * max(500.0, 0.1 * self.truth_hz)


def excerpts(path: Path, count: int) -> Iterator[tuple[int, Waveform, int]]:
    with soundfile.SoundFile(path) as file:
        size = min(file.frames, EXCERPT_SECONDS * file.samplerate)
        for number in range(count):
            file.seek(int((file.frames - size) * (number + 1) / (count + 1)))
            samples = file.read(size, dtype="float32", always_2d=True)
            yield number, np.ascontiguousarray(samples.T), file.samplerate


def slope_db_per_octave(spec: Lowpass, sample_rate: int) -> float:
    """From 3 to 20 dB of loss, measured on the filter itself."""
    impulse = np.zeros((1, 1 << 15), np.float32)
    impulse[0, 1 << 14] = 1.0
    response = np.abs(np.fft.rfft(lowpass(impulse, sample_rate, spec)[0]))
    freqs = np.arange(response.size) * sample_rate / (1 << 15)
    three, twenty = (freqs[np.flatnonzero(response > 10 ** (-db / 20))[-1]] for db in (3, 20))
    return float(17 / max(1e-3, np.log2(twenty / three)))


def degraded(samples: Waveform, sample_rate: int) -> Iterator[tuple[str, float, bool, Waveform]]:
    for name, (family, order, steepness) in FAMILIES.items():
        for cutoff_hz in CUTOFFS_HZ:
            spec = Lowpass(family, cutoff_hz, order, steepness)
            steep = slope_db_per_octave(spec, sample_rate) >= STEEP_DB_PER_OCTAVE
            yield name, cutoff_hz, steep, lowpass(samples, sample_rate, spec)
    for name, (family, order, steepness) in PLACED.items():
        for cutoff_hz in PLACED_HZ:
            spec = placed(Lowpass(family, cutoff_hz, order, steepness), sample_rate)
            yield name, cutoff_hz, False, lowpass(samples, sample_rate, spec)
    for codec, setting in CODECS:
        yield f"{codec} {setting}", 0.0, True, round_trip(samples, sample_rate, codec, setting)


@lru_cache(maxsize=1)
def white(channels: int, count: int) -> Waveform:
    return np.random.default_rng(0).standard_normal((channels, count)).astype(np.float32)


def noise(like: Waveform, floor_dbfs: float) -> Waveform:
    return np.float32(10 ** (floor_dbfs / 20)) * white(*like.shape)


def measure(music: Path, row: dict[str, str], count: int) -> Iterator[Case]:
    for number, samples, rate in excerpts(music / row["file"], count):
        own_end_hz = min(float(row["bandwidth_typical_hz"]), 0.98 * rate / 2)
        for family, nominal_hz, steep, lossy in degraded(samples, rate):
            truth_hz = true_cutoff_hz(samples, lossy, rate)
            for floor_dbfs in (None, *FLOORS_DBFS) if family in FLOORED else (None,):
                # The truth is the filter's: what the floor covers was lost before it came.
                heard = lossy if floor_dbfs is None else lossy + noise(lossy, floor_dbfs)
                name = family if floor_dbfs is None else f"{family} {floor_dbfs:.0f} dBFS"
                found = estimate_bandwidth(heard, rate)
                yield Case(
                    row["file"], number, name, nominal_hz, steep, truth_hz, found.cutoff_hz,
                    found.confidence, truth_hz > own_end_hz,
                )  # fmt: skip


def measure_whole(path: Path) -> dict[str, float | int | bool | str]:
    with soundfile.SoundFile(path) as file:
        meter = BandwidthMeter(file.samplerate)
        started = time.process_time()
        for block in file.blocks(65_536, dtype="float32", always_2d=True):
            meter.update(np.ascontiguousarray(block.T))
        found = meter.result()
        seconds = file.frames / file.samplerate
        return {
            "file": path.name,
            "found_hz": found.cutoff_hz,
            "confidence": found.confidence,
            "full_band": found.full_band,
            "segments": len(found.segments),
            "times_real_time": seconds / (time.process_time() - started),
        }


def share(flags: list[bool]) -> float:
    return round(float(np.mean(flags)), 4) if flags else float("nan")


def table(cases: list[Case]) -> list[dict[str, object]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.family].append(case)
        if not case.family.endswith("dBFS"):
            groups["all steep and codecs" if case.steep else "all gentle"].append(case)
    rows = []
    for family, group in sorted(groups.items(), key=lambda item: item[0].startswith("all")):
        scored = [case for case in group if not case.beyond_original]
        worst = sorted(scored, key=lambda case: -abs(case.error_hz) / case.truth_hz)[:3]
        rows.append(
            {
                "family": family,
                "scored": len(scored),
                "beyond_original": len(group) - len(scored),
                "median_error_hz": round(float(np.median([c.error_hz for c in scored])), 1),
                "within_300_hz": share([abs(c.error_hz) <= 300 for c in scored]),
                "within_10_percent": share([abs(c.error_hz) <= 0.1 * c.truth_hz for c in scored]),
                "right": share([c.right for c in scored]),
                "right_with_beyond_original": share([c.right for c in group]),
                "under_by_200_hz": share([c.error_hz < -200 for c in scored]),
                "harmful": share([c.harmful for c in scored]),
                "worst": [asdict(case) for case in worst],
            }
        )
    return rows


def calibration(cases: list[Case]) -> list[dict[str, float]]:
    """How often the estimate is right within max(300 Hz, 10 %), by stated confidence."""
    rows = []
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        hits = [
            abs(case.error_hz) <= max(300.0, 0.1 * case.truth_hz)
            for case in cases
            if low <= case.confidence < high and not case.beyond_original
        ]
        rows.append({"from": low, "to": min(high, 1.0), "cases": len(hits), "right": share(hits)})
    return rows


def show(report: dict[str, object], rows: list[dict[str, object]]) -> None:
    print(f"{'family':30}{'n':>5}{'median Hz':>11}{'<=300 Hz':>10}{'<=10 %':>8}", end="")
    print(f"{'right':>8}{'<-200 Hz':>10}{'harmful':>9}")
    for row in rows:
        print(
            f"{row['family']:30}{row['scored']:>5}{row['median_error_hz']:>11.0f}"
            f"{row['within_300_hz']:>10.3f}{row['within_10_percent']:>8.3f}{row['right']:>8.3f}"
            f"{row['under_by_200_hz']:>10.3f}{row['harmful']:>9.3f}"
        )
    print(json.dumps({key: report[key] for key in ("calibration", "originals")}, indent=1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--music", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--split", default="valid", help="which files to degrade")
    parser.add_argument("--excerpts", type=int, default=3, help="excerpts of 15 s per file")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/cutoff.json"))
    options = parser.parse_args()
    with (options.music / "manifest.csv").open(newline="") as file:
        manifest = list(csv.DictReader(file))
    chosen = [row for row in manifest if row["file"].startswith(options.split + "/")]
    cases = [case for row in tqdm(chosen) for case in measure(options.music, row, options.excerpts)]
    wholes = [measure_whole(options.music / row["file"]) for row in tqdm(manifest)]
    full = [
        whole
        for row, whole in zip(manifest, wholes, strict=True)
        if float(row["bandwidth_typical_hz"]) >= 19_000
    ]
    rows = table(cases)
    report: dict[str, object] = {
        "command": f"python benchmarks/cutoff.py --music FOLDER --split {options.split} "
        f"--excerpts {options.excerpts}",
        "families": rows,
        "calibration": calibration(cases),
        "originals": {
            "full_band_files": len(full),
            "called_full_band": share([bool(whole["full_band"]) for whole in full]),
            "missed": [whole for whole in full if not whole["full_band"]],
            "all_files": len(wholes),
            "with_several_segments": [w["file"] for w in wholes if int(w["segments"]) > 1],
            "median_times_real_time": round(
                float(np.median([float(whole["times_real_time"]) for whole in wholes])), 1
            ),
        },
    }
    show(report, rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
