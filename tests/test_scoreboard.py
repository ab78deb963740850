import json
import math

import pytest

from aliquot.metrics.suite import METRICS
from aliquot.scoreboard import BIAS_P90, COLUMNS, Score, summarise, table


def score(file: str, method: str = "m", task: str = "x2", **metrics: float) -> Score:
    family = metrics.pop("family", "soxr")
    values = dict.fromkeys(METRICS, 1.0) | metrics
    return Score(task, file, method, str(family), 4_000.0, 20_000.0, None, values)


def test_a_row_holds_the_mean_over_files() -> None:
    (row,) = summarise([score("a", lsd=1.0), score("b", lsd=4.0)])
    assert (row.files, row.means["lsd"], row.means["texture"]) == (2, 2.5, 1.0)


def test_the_bias_has_a_signed_mean_and_the_percentile_of_its_size() -> None:
    """Biases -10, 0, ..., 10: the mean cancels, the 90th percentile of 0..10 does not."""
    scores = [score(f"{n}", treble_bias_db=float((-1) ** n * n)) for n in range(11)]
    (row,) = summarise(scores)
    assert row.means["treble_bias_db"] == pytest.approx(5 / 11)
    assert row.means[BIAS_P90] == pytest.approx(9.0)


def test_what_is_not_scored_is_left_out_of_the_mean() -> None:
    scores = [score("a", side_db=math.nan), score("b", side_db=3.0)]
    (row,) = summarise(scores)
    assert row.means["side_db"] == 3.0
    (row,) = summarise(scores[:1])
    assert math.isnan(row.means["side_db"])
    assert " - |" in table([row])
    assert json.loads(json.dumps(row.as_dict()))["side_db"] is None


def test_the_worst_file_has_the_largest_envelope_error() -> None:
    scores = [score("a", envelope_db=math.nan), score("b", envelope_db=9.0), score("c")]
    assert summarise(scores)[0].worst == "b"


def test_rows_keep_the_order_of_tasks_and_methods() -> None:
    scores = [
        score("a", "model", "x4"), score("a", "oracle", "x4"),
        score("b", "model", "x2"), score("b", "oracle", "x2"), score("c", "model", "x4"),
    ]  # fmt: skip
    rows = [(row.task, row.method, row.files) for row in summarise(scores)]
    expected = [("x4", "model", 2), ("x4", "oracle", 1), ("x2", "model", 1), ("x2", "oracle", 1)]
    assert rows == expected


def test_families_get_rows_of_their_own_when_asked() -> None:
    one = Score("x2", "a", "m", "sinc", 1.0, 2.0, None, dict.fromkeys(METRICS, 1.0))
    two = Score("x2", "b", "m", "bessel-8", 1.0, 2.0, None, dict.fromkeys(METRICS, 3.0))
    rows = summarise([one, two], by_family=True)
    means = [(row.family, row.means["lsd"]) for row in rows]
    assert means == [(None, 2.0), ("bessel-8", 3.0), ("sinc", 1.0)]
    assert "m / bessel-8" in table(rows)


def test_the_table_is_markdown_with_every_column() -> None:
    lines = table(summarise([score("a.ogg", lsd=1.23456)])).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].count("|") == len(COLUMNS) + 5
    assert "1.235" in lines[2]
    assert lines[2].rstrip(" |").endswith("a.ogg")


def test_json_is_flat_rounded_and_complete() -> None:
    row = score("a", lsd=1.23456789).as_dict()
    assert row["lsd"] == 1.2346
    assert set(METRICS) < set(row)
    assert json.loads(json.dumps(row))["used_hz"] is None
