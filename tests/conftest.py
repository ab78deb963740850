"""Sounds that many tests share, all synthesised, and the limits the whole suite runs under."""

import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: many small tests, few cores
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # some import it before the engine does

import numpy as np
import pytest
import soundfile
import synthesise

from aliquot.audio import Waveform
from aliquot.degrade.lowpass import Lowpass, lowpass

collect_ignore = [] if find_spec("torch") else ["models", "training"]

RATE = 44_100


@pytest.fixture(scope="session")
def music() -> Waveform:
    """Three seconds of full-band stereo music at 44.1 kHz: ``(2, 132300)``."""
    return synthesise.pop(3.0, RATE)


@pytest.fixture(scope="session")
def dull(music: Waveform) -> Waveform:
    """The same with a steep cut-off at 8 kHz."""
    return lowpass(music, RATE, Lowpass("sinc", 8_000.0))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, music: Waveform, dull: Waveform) -> Path:
    """``dull.wav`` (16 bit), ``dull.mp3`` and ``full.flac``: copy them, never write there."""
    folder = tmp_path_factory.mktemp("library")
    soundfile.write(folder / "dull.wav", dull.T, RATE, subtype="PCM_16")
    soundfile.write(folder / "dull.mp3", dull.T, RATE)
    full = music + 1e-3 * np.random.default_rng(5).standard_normal(music.shape)
    soundfile.write(folder / "full.flac", full.T, RATE, subtype="PCM_16")
    return folder
