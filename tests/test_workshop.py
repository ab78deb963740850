"""A tiny random model through the whole workshop: train, resume, export, restore."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from aliquot.dsp.resample import resample
from aliquot.engine import load_enhancer

pytest.importorskip("torch")

from safetensors.numpy import load_file

from aliquot.training import checkpoint

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


COMMAND = (sys.executable, "-W", "ignore", "-m", "aliquot")
FOUNDING = {
    "audiounet": ("audiounet.width=0.03", "audiounet.layers=2"),
    "hetherly": ("hetherly.layers=3", "hetherly.first=4", "hetherly.limit=8"),
    "music-gan": (
        *("music_gan.width=0.03", "music_gan.layers=2", "adversary.warmup=6"),
        *("discriminators.width=1", "discriminators.scales=1", "discriminators.windows=[512]"),
    ),
}
"""Tiny sizes of the founding methods, beside their own settings files."""


def aliquot(*words: str) -> str:
    done = subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def collection(tmp_path: Path, music: np.ndarray) -> Path:
    """Two recordings, the second held out."""
    folder = tmp_path / "music"
    (folder / "train").mkdir(parents=True)
    rows = MANIFEST
    for name in ("one", "two"):
        soundfile.write(folder / "train" / f"{name}.flac", music.T, 44_100)
        rows += f"train/{name}.flac,3,44100,21000,20000,{name},pop,\n"
    (folder / "manifest.csv").write_text(rows)
    (folder / "held-out.txt").write_text("train/two.flac\n")
    return folder


def powers(samples: np.ndarray, rate: int, above_hz: float, below_hz: float) -> tuple[float, float]:
    """Energy above one and below another frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.shape[1]), axis=1)) ** 2
    freqs = np.fft.rfftfreq(samples.shape[1], 1 / rate)
    return float(spectrum[:, freqs > above_hz].sum()), float(spectrum[:, freqs < below_hz].sum())


def test_train_resume_export_restore(tmp_path: Path, collection: Path, dull: np.ndarray) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE.format(music=collection))
    run, model, kept = tmp_path / "run", tmp_path / "tiny.onnx", tmp_path / "tiny.safetensors"

    aliquot("train", str(recipe), "-o", str(run), "--quiet")
    aliquot("train", str(recipe), "optim.steps=6", "-o", str(run), "--quiet")
    entry = aliquot("export", str(run), "-o", str(model), "--weights", str(kept))
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
    above, below = powers(added, 44_100, 8_000, 7_200)
    assert above > 0
    assert below < 1e-6 * above

    words = (f"run.weights={kept}", "optim.steps=1", "optim.learning_rate=0")
    aliquot("train", str(recipe), *words, "-o", str(tmp_path / "again"), "--quiet")
    found = load_file(tmp_path / "again" / "checkpoint.safetensors")
    for name, value in load_file(kept).items():
        np.testing.assert_array_equal(found[f"network.model.{name}"], value)
    refused = subprocess.run(
        [*COMMAND, "export", str(run), "-o", str(model), "--weights", str(tmp_path / "w.bin")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "give --weights a name that ends in .safetensors" in refused.stderr


@pytest.mark.parametrize("method", FOUNDING)
def test_a_founding_method_is_killed_resumed_exported_and_restores(
    method: str, tmp_path: Path, collection: Path
) -> None:
    settings = Path(__file__).parents[1] / "settings" / f"{method}.toml"
    words = [
        *("train", str(settings), "--quiet", *FOUNDING[method], "wave.samples=2048"),
        *(f"data.music={collection}", f"data.held_out={collection}/held-out.txt"),
        *("optim.batch=2", "optim.steps=40", "run.checkpoint_every=4", "run.workers=0"),
        *("run.validate_every=1000", "run.validation_examples=2", "run.threads=1"),
        "run.previews=0",
    ]
    whole, torn, model = tmp_path / "whole", tmp_path / "torn", tmp_path / "founding.onnx"
    aliquot(*words, "-o", str(whole))
    with subprocess.Popen([*COMMAND, *words, "-o", str(torn)]) as process:
        while not (torn / "checkpoint.safetensors").is_file():
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert checkpoint.read_facts(torn / "checkpoint.safetensors")["step"] < 40
    aliquot(*words, "-o", str(torn))
    one, other = (load_file(run / "checkpoint.safetensors") for run in (whole, torn))
    assert one.keys() == other.keys()
    assert all(np.array_equal(value, other[name]) for name, value in one.items())

    aliquot("export", str(torn), "-o", str(model))
    clip, _ = soundfile.read(collection / "train" / "two.flac", dtype="float32")
    low = tmp_path / "low.wav"
    soundfile.write(low, resample(clip.T, 44_100, 12_000).T, 12_000, subtype="FLOAT")
    results = {}
    for name, more in (("spliced", ()), ("raw", ("--raw",)), ("given", ("--strength", "0"))):
        target = tmp_path / f"{name}.wav"
        common = ("--cutoff", "5500", "--bits", "32f", "--rate", "48000", "--model", str(model))
        aliquot("restore", str(low), "-o", str(target), *common, *more)
        results[name], rate = soundfile.read(target, dtype="float32")
        assert rate == 48_000
    spliced, raw = (
        powers((results[name] - results["given"]).T, 48_000, 5_600, 4_900)
        for name in ("spliced", "raw")
    )
    assert spliced[0] > 0
    assert spliced[1] < 1e-6 * spliced[0]
    assert raw[1] > 1e-6 * raw[0]
