"""The totals of a collection are those of its rows."""

from pathlib import Path

import pytest

from aliquot.collect.manifest import Row, as_csv
from aliquot.collect.report import report_on, summed_up
from aliquot.errors import ConfigError


def thousand() -> list[Row]:
    """1,000 recordings of 36 s, a hundredth of an hour each, in known shares."""
    return [
        Row(
            file=f"{number:04}.flac",
            seconds=36.0,
            bandwidth_hz=float(500 + 22_000 * (number % 10) // 10),
            bandwidth_typical_hz=15_999.0 if number % 2 else 16_000.0,
            licence=("CC0", "CC-BY-4.0", "CC-BY-4.0", "")[number % 4],
            artist=f"Artist {number % 50}" if number % 100 else f"ARTIST  {number % 50}",
            genre="Rock/Pop" if number < 300 else "rock",
            codec="flac" if number < 900 else "mp3",
            sha256=f"{number:064x}",
            notes="clipped: 1 % of it; abrupt: at -9 dB" if number % 20 == 0 else "from a tape",
        )
        for number in range(1_000)
    ]


def test_the_totals_of_a_thousand_rows_are_right() -> None:
    rows = thousand()
    found = summed_up(rows, held=[row.file for row in rows[:70]])
    assert (found.recordings, found.artists, found.held_out) == (1_000, 50, 70)
    assert found.hours == pytest.approx(10.0)
    assert found.held_out_hours == pytest.approx(0.7)
    assert found.by_licence == pytest.approx({"CC-BY-4.0": 5.0, "CC0": 2.5, "unknown": 2.5})
    assert list(found.by_licence) == ["CC-BY-4.0", "CC0", "unknown"]
    assert found.by_genre == pytest.approx({"rock": 10.0, "pop": 3.0})
    assert found.by_codec == pytest.approx({"flac": 9.0, "mp3": 1.0})
    # 500, 2700, 4900, 7100 | 9300, 11500 | 13700, 15900 | 18100 | 20300
    assert found.by_bandwidth == pytest.approx(
        {
            "under 8 kHz": 4.0, "8 to 12 kHz": 2.0, "12 to 16 kHz": 2.0, "16 to 19 kHz": 1.0,
            "20 kHz and more": 1.0,
        }
    )  # fmt: skip
    assert len(found.highest_hours) == 21
    assert {n: h for n, h in enumerate(found.highest_hours) if h} == pytest.approx(
        dict.fromkeys((0, 2, 4, 7, 9, 11, 13, 15, 18, 20), 1.0)
    )
    assert {n: h for n, h in enumerate(found.typical_hours) if h} == pytest.approx({15: 5, 16: 5})
    assert {kind: len(files) for kind, files in found.problems.items()} == {
        "no licence": 250, "abrupt": 50, "clipped": 50,
    }  # fmt: skip
    assert found.problems["clipped"][:2] == ("0000.flac", "0020.flac")


def test_what_is_missing_or_doubled_is_a_problem() -> None:
    rows = [Row("a.wav", 1.0, sha256="1"), Row("b.wav", 1.0, sha256="1"), Row("c.wav", 1.0)]
    found = summed_up(rows, gone=["c.wav"])
    assert found.problems["listed twice"] == ("a.wav", "b.wav")
    assert found.problems["missing"] == ("c.wav",)
    assert found.problems["no bandwidth"] == found.problems["no artist"]
    assert len(found.problems["no bandwidth"]) == 3
    assert found.by_bandwidth == pytest.approx({"unknown": 3 / 3600})
    assert summed_up([]).hours == 0


def test_a_report_is_read_from_the_folder_or_the_manifest_itself(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(as_csv(thousand()))
    (tmp_path / "held-out.txt").write_text("# mine\n0000.flac\n0001.flac\n")
    (tmp_path / "0002.flac").touch()
    found = report_on(tmp_path)
    assert found == report_on(tmp_path / "manifest.csv")
    assert (found.held_out, len(found.problems["missing"])) == (2, 999)
    with pytest.raises(ConfigError, match=r"holds no manifest\.csv; make one: aliquot prepare"):
        report_on(tmp_path / "absent")
