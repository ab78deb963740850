"""A tiny collection of synthesised music with a manifest, and settings for a tiny model."""

import csv
from pathlib import Path

import pytest
import soundfile
import synthesise
import torch

from aliquot.models.config import SpectralConfig
from aliquot.training.settings import (
    DataSettings,
    LevelSettings,
    LossSettings,
    OptimSettings,
    RunSettings,
    Settings,
)

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``manifest.csv`` and four files; the last is held out by ``held-out.txt``."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "train").mkdir()
    rows = []
    for index in range(4):
        name = f"train/piece-{index}.ogg"
        soundfile.write(folder / name, synthesise.pop(5.0, 44_100).T * 0.5, 44_100)
        rows.append(
            {
                "file": name,
                "seconds": "5.0",
                "sample_rate": "44100",
                "bandwidth_hz": "20000",
                "bandwidth_typical_hz": "18000",
                "artist": f"artist {index}",
                "genre": "chiptune" if index == 1 else "pop",
                "notes": "extremely bright" if index == 1 else "",
            }
        )
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "held-out.txt").write_text("# never trained on\ntrain/piece-3.ogg\n")
    return folder


@pytest.fixture
def tiny(collection: Path) -> Settings:
    """A run of eight steps of a tiny model."""
    return Settings(
        model=SpectralConfig(width=8, expansion=1, dilations=(1,), input_bands=16, output_bands=16),
        data=DataSettings(
            music=str(collection),
            held_out=str(collection / "held-out.txt"),
            cache=str(collection / "cache"),
            loss_frames=12,
        ),
        levels=LevelSettings(steps=4, batch=2, loss_frames=16, speeds=(1.0, 1.26)),
        loss=LossSettings(frame_stride=2),
        optim=OptimSettings(batch=2, steps=8, warmup=2),
        run=RunSettings(
            threads=1, workers=0, checkpoint_every=3, validate_every=4, validation_examples=2
        ),
    )
