import hashlib
import json
import re
import tomllib
from pathlib import Path

import pytest

from aliquot import weights
from aliquot.weights import Release

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("release", weights.releases().values(), ids=lambda r: r.name)
def test_a_release_is_complete(release: Release) -> None:
    content = release.path.read_bytes()
    assert re.fullmatch(r"[0-9a-f]{64}", release.sha256)
    assert hashlib.sha256(content).hexdigest() == release.sha256
    assert len(content) == release.bytes
    card = (ROOT / release.card).read_text(encoding="utf-8")
    assert release.sha256 in card
    assert release.licence


def test_the_recipe_is_that_of_the_released_weights() -> None:
    """Settings of a run that is not released would make card and log another run's."""
    name = weights.aliases()["default"]
    log = (ROOT / "docs" / "models" / f"{name}-log.jsonl").read_text(encoding="utf-8")
    last = json.loads(log.splitlines()[-1])["step"]
    recipe = tomllib.loads((ROOT / "settings" / "aliquot.toml").read_text(encoding="utf-8"))
    assert recipe["levels"]["steps"] + recipe["optim"]["steps"] == last


def test_aliases_lead_to_releases() -> None:
    assert set(weights.aliases().values()) <= set(weights.releases())
    assert weights.find("default") == weights.find(weights.aliases()["default"])
