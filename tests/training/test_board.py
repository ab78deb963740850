import json
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from aliquot.training.board import Board
from aliquot.training.loop import Trainer
from aliquot.training.settings import Settings


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_curves_are_the_lines_of_the_log(tiny: Settings, tmp_path: Path) -> None:
    Trainer(tiny, tmp_path).train(lambda row: None)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    found = curves(tmp_path / "tensorboard")
    for name in ("total", "valid_total"):
        wanted = [(line["step"], line[name]) for line in lines if name in line]
        assert wanted
        assert found[name] == [(step, pytest.approx(value, rel=1e-6)) for step, value in wanted]


def test_what_was_written_after_the_last_checkpoint_is_void(tmp_path: Path) -> None:
    first = Board(tmp_path, 0)
    for step in (10, 20, 30):
        first.add({"step": step, "total": 1.0})
    first.close()
    again = Board(tmp_path, 15)  # taken up at step 15
    again.add({"step": 20, "total": 2.0})
    again.close()
    assert curves(tmp_path) == {"total": [(10, 1.0), (20, 2.0)]}


def test_without_tensorboard_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    board = Board(tmp_path / "tensorboard", 0)
    board.add({"step": 10, "total": 1.0})
    board.close()
    assert list(tmp_path.iterdir()) == []
