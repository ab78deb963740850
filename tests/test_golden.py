"""The released model makes today what it made when it was released (see tests/golden/make.py)."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_levels_are_as_stored(maker: ModuleType) -> None:
    stored = json.loads((GOLDEN / "levels.json").read_text(encoding="utf-8"))
    found = maker.measured()
    assert found["sha256"] == stored["sha256"], "new weights: run `make golden` and say why"
    for cutoff, rows in stored["levels_db"].items():
        difference = np.abs(np.array(rows) - np.array(found["levels_db"][cutoff]))
        assert difference.max() < 0.2
        assert difference.mean() < 0.02
