"""Restore music and show what was done: ``make demo``, or ``make demo FILE=song.mp3``.

Without a file, clips are synthesised, each loses its treble in another way, and is restored.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr
import synthesise

from aliquot.audio import Audio
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.io.sound import open_reader
from aliquot.plots import spectrogram_plot

RATE = 44_100
SHOWN_SECONDS = 12.0
"""As much of a recording is drawn."""

TOLD = (
    *("kind", "codec", "cutoff_hz", "confidence", "sample_rate", "output_rate", "samples_out"),
    *("added_db", "headroom_db", "model", "times_real_time", "target"),
)
"""What is printed of a report."""


def make_degraded(name: str, samples: synthesise.Waveform, folder: Path) -> Path:
    """Take the treble from a clip, in the way that is told by its name."""
    path = folder / f"{name}.wav"
    if name == "pop":  # a small MP3
        path = path.with_suffix(".mp3")
        soundfile.write(path, samples.T, RATE, bitrate_mode="CONSTANT", compression_level=0.89)
    elif name == "drums":  # a file at half the sample rate
        soundfile.write(path, soxr.resample(samples.T, RATE, RATE / 2), RATE // 2)
    elif name == "piano":  # a file at 16 kHz
        soundfile.write(path, soxr.resample(samples.T, RATE, 16_000), 16_000)
    else:  # an old tape
        soundfile.write(path, lowpass(samples, RATE, Lowpass("sinc", 5_500.0, 8, 0.4)).T, RATE)
    return path


def restore(source: Path, folder: Path) -> dict[str, object]:
    """Run ``aliquot restore`` and return its report."""
    template = "{name}-restored.{ext}"
    words = ["restore", str(source), "-o", str(folder), "--template", template, "--overwrite"]
    print("$ aliquot", *words)
    command = [sys.executable, "-m", "aliquot", *words, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    report: dict[str, object] = json.loads(done.stdout)
    for key in TOLD:
        value = report[key]
        print(f"    {key:14} {round(value, 2) if isinstance(value, float) else value}")
    return report


def load(path: Path) -> Audio:
    """The beginning of a recording."""
    with open_reader(path) as reader:
        blocks = list(reader.blocks(duration_seconds=SHOWN_SECONDS))
        empty = np.zeros((reader.info.channels, 0), np.float32)
        return Audio(np.concatenate([empty, *blocks], axis=1), reader.info.sample_rate)


def draw(stages: dict[str, Path], cutoff_hz: float, target: Path) -> None:
    """Draw the stages of one recording side by side, at the rate of the last."""
    sounds = {title: load(path) for title, path in stages.items()}
    rate = list(sounds.values())[-1].sample_rate
    panels = [
        (title, np.ascontiguousarray(soxr.resample(sound.samples.T, sound.sample_rate, rate).T))
        for title, sound in sounds.items()
    ]
    spectrogram_plot(panels, rate, target, cutoff_hz)
    print(f"    picture        {target}\n")


def main() -> None:
    """Restore the files named, or else the clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=Path("demo-out"))
    arguments = parser.parse_args()
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)

    if arguments.files:
        jobs = [{"before": path} for path in arguments.files]
    else:
        jobs = []
        for name, clip in synthesise.CLIPS.items():
            original = folder / f"{name}-original.flac"
            soundfile.write(original, clip().T, RATE)
            degraded = make_degraded(name, load(original).samples, folder)
            jobs.append({"original": original, "degraded": degraded})
    for stages in jobs:
        source = list(stages.values())[-1]
        report = restore(source, folder)
        stages["restored"] = Path(str(report["target"]))
        cutoff_hz = float(str(report["cutoff_hz"] or 0))
        draw(stages, cutoff_hz, folder / f"{source.stem}.png")
    print(f"Listen and look: {folder}")


if __name__ == "__main__":
    main()
