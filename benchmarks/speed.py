"""Time whole restorations of long recordings, as processes, and their memory.

    python benchmarks/speed.py --minutes 10,60

Each length is made once (noise bursts over chords, stereo, 44.1 kHz, 16 bit, low-passed at 11 kHz),
restored several times by the command line, and reported as times real time and peak memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from aliquot.degrade.lowpass import Lowpass, lowpass

RATE = 44_100


def make(path: Path, minutes: float) -> None:
    """A recording that repeats ten synthesised seconds."""
    rng = np.random.default_rng(0)
    place = np.arange(10 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * 220 * n * place) / n for n in range(1, 60))
    hits = rng.standard_normal((2, place.size)) * np.exp(-(place % 0.5) * 12)
    samples = (0.05 * chord + 0.2 * hits).astype(np.float32)
    dull = lowpass(samples, RATE, Lowpass("sinc", 11_000.0))
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        for _ in range(round(minutes * 6)):
            file.write(dull.T)


def run(source: Path, target: Path, threads: int) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MiB of one restoration."""
    line = [sys.executable, "-m", "aliquot", "restore", str(source), "-o", str(target)]
    line += ["--overwrite", "--quiet", "--threads", str(threads)]
    began = time.monotonic()
    child = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    assert status == 0
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", default="10")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed.json"))
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes in map(float, chosen.minutes.split(",")):
            source = Path(folder) / f"{minutes:g}.wav"
            make(source, minutes)
            runs = [
                run(source, Path(folder) / "out.wav", chosen.threads) for _ in range(chosen.runs)
            ]
            walls, cpus, peaks = zip(*runs, strict=True)
            row = {
                "minutes": minutes,
                "threads": chosen.threads,
                "wall_s": [round(value, 2) for value in walls],
                "cpu_s": [round(value, 2) for value in cpus],
                "times_real_time_median": round(60 * minutes / float(np.median(walls)), 1),
                "peak_mib": round(max(peaks), 1),
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    facts = {"cores": os.cpu_count(), "rows": rows}
    chosen.out.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
