"""Rows in and out, and what is said of a manifest that cannot be used."""

from pathlib import Path

import pytest

from aliquot.collect.manifest import COLUMNS, Row, as_csv, read_list, read_rows, write_text
from aliquot.errors import ConfigError

FULL = Row(
    "a/Ärger, “live”.flac", 61.25, 44_100, 2, "flac", 21_737.0, "CC0", "A, B", 'say "x"',
    "https://x.org/?a=1", "folk/pop", "0" * 64, 19_046.0, "one; two",
    "https://creativecommons.org/publicdomain/zero/1.0/", "2019-05-01", "2026-11-23",
)  # fmt: skip


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_text(tmp_path / "m.csv", as_csv([FULL, Row("b.wav", 2.0, 8_000, 1)]))
    assert read_rows(tmp_path / "m.csv") == (FULL, Row("b.wav", 2.0, 8_000, 1))


def test_the_columns_are_those_of_the_collections_there_are() -> None:
    assert ",".join(COLUMNS) == (
        "file,seconds,sample_rate,channels,codec,bandwidth_hz,licence,artist,title,source,genre,"
        "sha256,bandwidth_typical_hz,notes,licence_url,date,collected"
    )


def test_columns_may_be_absent_strange_or_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("mood,artist,file\nsad,X,a.wav\n", encoding="utf-8-sig")
    assert read_rows(tmp_path / "m.csv") == (Row("a.wav", artist="X"),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,artist\na.wav,x\n", "lacks the column 'bandwidth_hz'"),
        ("file,bandwidth_hz\na.wav,loud\n", r"bandwidth_hz of a\.wav is 'loud'; write a freq"),
        ("file,bandwidth_hz\na.wav,\n", r"bandwidth_hz of a\.wav is ''"),
        ("file,bandwidth_hz\na.wav,nan\n", "is 'nan'"),
        ("file,bandwidth_hz,sample_rate\na.wav,9,44.5\n", r"sample_rate of a\.wav is '44\.5'"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named_with_the_place(
    text: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        read_rows(tmp_path / "m.csv", ("file", "bandwidth_hz"))
    assert "m.csv" in str(caught.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"file\n\xff\xfe\n")
    with pytest.raises(ConfigError, match="no CSV file in UTF-8"):
        read_rows(tmp_path / "m.csv")
    with pytest.raises(ConfigError, match="cannot read the manifest"):
        read_rows(tmp_path / "absent.csv")


def test_a_list_has_comments_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# none of these\n\na b.wav \nc.wav\n")
    assert read_list(tmp_path / "list.txt") == ("a b.wav", "c.wav")
