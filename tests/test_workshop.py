"""A tiny random model through the whole workshop: train, resume, export, restore."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.engine import load_enhancer

pytest.importorskip("torch")

RECIPE = """
[model]
width = 8
expansion = 1
dilations = [1]
input_bands = 16
output_bands = 16

[data]
music = "{music}"
held_out = "{music}/held-out.txt"
cache = "{music}/cache"
loss_frames = 12

[optim]
batch = 2
steps = 4

[run]
workers = 0
validation_examples = 2
"""

MANIFEST = "file,seconds,sample_rate,bandwidth_hz,bandwidth_typical_hz,artist,genre,notes\n"


def aliquot(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "aliquot", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_train_resume_export_restore(tmp_path: Path, music: np.ndarray, dull: np.ndarray) -> None:
    collection = tmp_path / "music"
    (collection / "train").mkdir(parents=True)
    rows = MANIFEST
    for name in ("one", "two"):
        soundfile.write(collection / "train" / f"{name}.flac", music.T, 44_100)
        rows += f"train/{name}.flac,3,44100,21000,20000,{name},pop,\n"
    (collection / "manifest.csv").write_text(rows)
    (collection / "held-out.txt").write_text("train/two.flac\n")
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(music=collection))
    run, model = tmp_path / "run", tmp_path / "tiny.onnx"

    aliquot("train", str(recipe), "-o", str(run), "--quiet")
    aliquot("train", str(recipe), "optim.steps=6", "-o", str(run), "--quiet")
    entry = aliquot("export", str(run), "-o", str(model))
    assert f"bytes = {model.stat().st_size}" in entry
    facts = load_enhancer(str(model)).facts
    assert facts["steps"] == "6"

    source, target = tmp_path / "dull.wav", tmp_path / "bright.wav"
    soundfile.write(source, dull.T, 44_100, subtype="FLOAT")
    report = json.loads(
        aliquot(
            "restore", str(source), "-o", str(target), "--model", str(model),
            "--cutoff", "8000", "--bits", "32f", "--json",
        )
    )  # fmt: skip
    assert report["action"] == "restored"
    assert report["model"] == "tiny"
    added = soundfile.read(target, dtype="float32")[0].T - dull
    spectrum = np.abs(np.fft.rfft(added * np.hanning(added.shape[1]), axis=1)) ** 2
    freqs = np.fft.rfftfreq(added.shape[1], 1 / 44_100)
    assert spectrum[:, freqs > 8_000].sum() > 0
    assert spectrum[:, freqs < 7_200].sum() < 1e-6 * spectrum[:, freqs > 8_000].sum()
