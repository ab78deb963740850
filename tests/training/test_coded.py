"""Levels above the ends of lossy codecs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from aliquot.degrade.chain import coded, response
from aliquot.models.spectral import Spectral
from aliquot.training import coded as module
from aliquot.training.bands import BandExamples, described
from aliquot.training.coded import codec_of, described_coded
from aliquot.training.data import Examples
from aliquot.training.losses import LevelLoss
from aliquot.training.recordings import decoded, samples_of
from aliquot.training.rows import describe
from aliquot.training.settings import LossSettings, Settings
from aliquot.training.step import level_step


@pytest.fixture
def through_mp3(tiny: Settings) -> Settings:
    """All examples coded at 64 kbit/s, nothing else done to them."""
    return replace(
        tiny,
        data=replace(tiny.data, floor_share=0.0, mono_share=0.0, told_share=1.0, cutoff_jitter=0.0),
        levels=replace(tiny.levels, codecs=("mp3-64",), coded_share=1.0),
        degrade=replace(
            tiny.degrade, codec_alone=1.0, codec_share=1.0, codecs=("mp3-64",), families=("soxr",)
        ),
    )


def examples(s: Settings) -> BandExamples:
    return BandExamples(s.data, s.levels, s.degrade, s.model, 1)


def test_coded_rows_are_in_step_with_the_pieces_own(
    tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODED_SECONDS", 2.0)
    network = Spectral(replace(tiny.model, input_bands=32))
    piece = examples(tiny).pieces[0]
    found = described_coded(piece, tiny.data, network, "mp3-320")
    assert found.first == int(1.5 * 44_100) // 512
    rows, own = np.load(found.rows), np.load(described(piece, tiny.data, network, 1.0))
    assert len(rows) == pytest.approx(2 * 44_100 / 512, abs=5)
    heard = own[found.first : found.first + len(rows), 0, 2:20].astype(float)
    difference = np.abs(rows[:, 0, 2:20] - heard)
    # Two seconds in, the codec has long settled; what is out of step by a frame is far off.
    shifted = np.abs(rows[:, 0, 2:20] - own[found.first + 2 : found.first + 2 + len(rows), 0, 2:20])
    assert np.median(difference[4:-4]) < 0.05
    assert np.median(shifted[4:-4]) > 4 * np.median(difference[4:-4])


def test_a_part_is_coded_once(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Spectral(replace(tiny.model, input_bands=24))
    piece = examples(tiny).pieces[1]
    first = described_coded(piece, tiny.data, network, "mp3-64")
    monkeypatch.setattr(module, "coded", None)
    again = described_coded(piece, tiny.data, network, "mp3-64")
    assert again.rows == first.rows
    assert 10_000 < again.end_hz == first.end_hz < 12_000


def test_every_codec_of_a_list_is_drawn_and_a_piece_keeps_its_own(tiny: Settings) -> None:
    piece, codecs = examples(tiny).pieces[0], ("mp3-64", "mp3-96", "vorbis-q0")
    pieces = [replace(piece, name=f"train/{number}.ogg") for number in range(30)]
    drawn = [codec_of(each, codecs) for each in pieces]
    assert set(drawn) == set(codecs)
    assert drawn == [codec_of(each, codecs) for each in pieces]


def test_an_example_is_given_what_the_codec_left_and_ends_where_it_ends(
    through_mp3: Settings,
) -> None:
    made, hz_per_bin = examples(through_mp3), 44_100 / through_mp3.model.window
    for index in range(6):
        example = made[index]
        assert example.response == pytest.approx(1.0, abs=1e-6)
        assert 10_000 < example.cutoff_bin * hz_per_bin < 12_000
        above = made.band_centres > 1.1 * example.cutoff_bin
        below = made.band_centres < 0.5 * example.cutoff_bin
        loss = (example.bands - example.given)[0].mean(axis=0)
        assert loss[above].min() > 2.0  # 20 dB
        assert np.abs(loss[below]).max() < 0.3
        np.testing.assert_array_equal(made[index].given, example.given)


def test_a_filter_may_follow_and_the_lower_end_counts(through_mp3: Settings) -> None:
    limits = replace(through_mp3.degrade, codec_alone=0.0, cutoff_hz=(3_000.0, 6_000.0))
    made = examples(replace(through_mp3, degrade=limits))
    for index in range(4):
        example = made[index]
        assert example.cutoff_bin * 44_100 / 2048 < 6_500
        assert example.response[made.band_centres > 350].max() < 0.1


def test_without_codecs_the_examples_are_those_that_they_were(tiny: Settings) -> None:
    plain = examples(tiny)
    other = examples(replace(tiny, degrade=replace(tiny.degrade, codec_alone=0.5)))
    for index in range(4):
        np.testing.assert_array_equal(plain[index].given, plain[index].bands)
        for one, same in zip(plain[index], other[index], strict=True):
            np.testing.assert_array_equal(one, same)


def test_levels_are_learned_from_what_the_codec_left(through_mp3: Settings) -> None:
    """The loss sees the given band, coded, against the original."""
    torch.manual_seed(0)
    network = Spectral(through_mp3.model)
    loss = LevelLoss(LossSettings(), network)
    made = [examples(through_mp3)[index] for index in range(2)]
    batch = [torch.from_numpy(np.stack(field)) for field in zip(*made, strict=True)]
    lossless = [batch[0], batch[0], *batch[2:]]
    with torch.no_grad():
        found, none = (level_step(network, loss, each) for each in (batch, lossless))
    assert float(found["total"]) > float(none["total"]) + 0.05


def test_an_example_of_waves_may_end_where_the_codec_ends(through_mp3: Settings) -> None:
    made = Examples(through_mp3.data, through_mp3.degrade, through_mp3.model, 1)
    for index in range(3):
        hz = float(made[index].cutoff_bin) * 44_100 / 2048
        assert 10_000 < hz < 12_000


def test_a_chain_of_nothing_loses_nothing() -> None:
    np.testing.assert_array_equal(response((), 44_100, 9), np.ones(9))


def test_describing_what_was_coded_is_describing_its_sound(tiny: Settings) -> None:
    network = Spectral(replace(tiny.model, input_bands=20))
    piece = examples(tiny).pieces[2]
    found = described_coded(piece, tiny.data, network, "vorbis-q0")
    sound = coded(samples_of(decoded(piece, tiny.data)[:]), piece.sample_rate, "vorbis-q0")
    np.testing.assert_array_equal(np.load(found.rows), describe(sound, network))
