"""Whole artists are held out, and stay so when the collection grows."""

import pytest

from aliquot.collect.manifest import Row
from aliquot.collect.split import held_out


def rows(artists: int, pieces: int = 2) -> list[Row]:
    return [
        Row(f"{a}/{p}.wav", artist=f"Artist {a}" if p else f"ARTIST  {a}")
        for a in range(artists)
        for p in range(pieces)
    ]


def test_an_artist_is_held_out_with_all_pieces_however_the_name_is_written() -> None:
    held = set(held_out(rows(300), 0.1, 1))
    assert {name.split("/")[0] for name in held if f"{name.split('/')[0]}/0.wav" in held} == {
        name.split("/")[0] for name in held
    }
    assert len(held) % 2 == 0
    assert len(held) / 2 == pytest.approx(30, abs=15)


def test_an_artist_keeps_its_place_when_others_come_and_moves_with_the_seed() -> None:
    few, many = set(held_out(rows(100), 0.2, 1)), set(held_out(rows(300), 0.2, 1))
    names = {row.file for row in rows(100)}
    assert many & names == few
    assert set(held_out(rows(100), 0.2, 2)) != few


@pytest.mark.parametrize("artists", [2, 3, 8])
def test_some_are_held_out_and_some_are_not(artists: int) -> None:
    for seed in range(20):
        for share in (0.001, 0.5):
            assert 0 < len(held_out(rows(artists), share, seed)) < 2 * artists


def test_one_artist_is_split_by_piece_and_one_piece_not_at_all() -> None:
    assert 0 < len(held_out(rows(1, 8), 0.2, 1)) < 8
    assert held_out(rows(1, 1), 0.5, 1) == ()


def growing(seed: int, counts: list[int]) -> list[tuple[set[str], set[str]]]:
    """Trained on and held out, each time the collection has grown."""
    sides: dict[str, bool] = {}
    seen = []
    for count in counts:
        collection = rows(count)
        held = set(held_out(collection, 0.1, seed, sides))
        sides = {row.file: row.file in held for row in collection}
        seen.append(({name for name, side in sides.items() if not side}, held))
    return seen


@pytest.mark.parametrize("seed", range(40))
def test_nobody_ever_changes_sides_however_the_collection_grows(seed: int) -> None:
    """From two artists on, where one had to be held out although its hash did not say so."""
    ever_trained: set[str] = set()
    ever_held: set[str] = set()
    for trained, held in growing(seed, [2, 3, 5, 9, 20, 60, 200]):
        ever_trained |= trained
        ever_held |= held
    assert ever_trained & ever_held == set()


def test_who_comes_first_or_last_in_the_list_does_not_matter() -> None:
    assert held_out(rows(60)[::-1], 0.1, 3) == held_out(rows(60), 0.1, 3)


def test_a_new_piece_of_a_held_out_artist_is_held_out() -> None:
    few = rows(60, 2)
    sides = {row.file: row.file in held_out(few, 0.1, 1) for row in few}
    more = rows(60, 3)
    held = held_out(more, 0.1, 1, sides)
    assert len(held) % 3 == 0
    assert {name for name in held if not name.endswith("/2.wav")} == {
        name for name, side in sides.items() if side
    }
