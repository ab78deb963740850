from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aliquot.errors import ConfigError
from aliquot.training.data import Examples, Piece, draw_weights, read_manifest, tilted
from aliquot.training.settings import Settings


def examples(settings: Settings, *, held_out: bool = False) -> Examples:
    return Examples(settings.data, settings.degrade, settings.model, 1, held_out=held_out)


def test_an_example_is_a_function_of_its_number(tiny: Settings) -> None:
    first, second = examples(tiny), examples(tiny)
    for index in (0, 5, 3):
        for one, other in zip(first[index], second[index], strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0].degraded, first[1].degraded)


def test_an_example_has_lost_what_lies_above_its_cutoff_and_nothing_far_below(
    tiny: Settings,
) -> None:
    for index in range(6):
        example = examples(tiny)[index]
        assert example.degraded.shape == example.original.shape
        window = np.hanning(example.original.shape[1])
        kept, whole = (
            np.abs(np.fft.rfft(wave[0] * window)) ** 2
            for wave in (example.degraded, example.original)
        )
        bins = np.arange(kept.size) * 2048 / example.original.shape[1]
        above = (bins > 1.15 * example.cutoff_bin) & (bins < example.limit_bin)
        below = (bins > 20) & (bins < 0.4 * example.cutoff_bin)
        assert kept[above].sum() < 0.02 * whole[above].sum()
        assert kept[below].sum() == pytest.approx(whole[below].sum(), rel=0.2)


def test_held_out_files_are_never_trained_on(tiny: Settings) -> None:
    trained = {piece.name for piece in read_manifest(tiny.data, held_out=False)}
    held = {piece.name for piece in read_manifest(tiny.data, held_out=True)}
    assert held == {"train/piece-3.ogg"}
    assert trained == {f"train/piece-{index}.ogg" for index in range(3)}


def test_a_held_out_file_that_does_not_exist_is_an_error(tiny: Settings, tmp_path: Path) -> None:
    wrong = tmp_path / "list.txt"
    wrong.write_text("train/piece-9.ogg\n")
    with pytest.raises(ConfigError, match="piece-9"):
        read_manifest(replace(tiny.data, held_out=str(wrong)), held_out=True)


def test_chiptune_is_capped(tiny: Settings) -> None:
    pieces = [
        Piece("a", "x", 100, 44_100, 2e4, 2e4, chiptune=True, bright=False),
        Piece("b", "y", 100, 44_100, 2e4, 2e4, chiptune=False, bright=False),
        Piece("c", "y", 300, 44_100, 2e4, 2e4, chiptune=False, bright=False),
    ]
    weights = draw_weights(pieces, 0.15)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(0.15)
    assert weights[2] == pytest.approx(3 * weights[1])


def test_a_tilt_turns_about_1_khz_and_a_pole_darkens() -> None:
    noise = np.random.default_rng(0).standard_normal((1, 65_536)).astype(np.float32)

    def change_db(out: np.ndarray, hz: float) -> float:
        before, after = (np.abs(np.fft.rfft(wave[0])) ** 2 for wave in (noise, out))
        centre = round(hz * 65_536 / 44_100)
        part = slice(centre - 200, centre + 200)
        return float(10 * np.log10(after[part].sum() / before[part].sum()))

    out = tilted(noise, 44_100, -6.0, None)
    assert change_db(out, 500) == pytest.approx(0, abs=0.1)
    assert change_db(out, 16_000) == pytest.approx(-6, abs=0.3)
    assert change_db(tilted(noise, 44_100, 0.0, 2_000.0), 8_000) == pytest.approx(-24.6, abs=0.5)
