import pytest
import torch

from aliquot.models.excitation import (
    BLOCK_BINS,
    block_means,
    copy_up,
    flatness,
    flattened,
    whitened,
)

BINS = 1025
EDGE = torch.tensor([480.0])


def rows(power: torch.Tensor) -> torch.Tensor:
    """A spectrum ``(1, 2, 2, 3, bins)`` of the given power in every bin."""
    return (power / 2).sqrt().expand(1, 2, 2, 3, BINS).clone()


def power_of(spectrum: torch.Tensor) -> torch.Tensor:
    return spectrum.square().sum(dim=2)


def flat(power: torch.Tensor) -> torch.Tensor:
    """Power of one frame, flattened."""
    spectrum = rows(power)
    means = block_means(power_of(spectrum))
    return power_of(flattened(spectrum, means, EDGE, 1.0))[0, 0, 0]


def test_lines_two_blocks_apart_keep_the_gaps_between_them() -> None:
    """Whitened, a block without a line is as loud as one with a line."""
    power = torch.full((BINS,), 1e-6)
    power[8 :: 2 * BLOCK_BINS] = 1.0
    blocks = flat(power)[:480].reshape(-1, BLOCK_BINS).mean(dim=1)[4:26]
    assert blocks[::2].mean() > 1.5
    assert blocks[1::2].max() < 1e-4
    spectrum = rows(power)
    white = power_of(whitened(spectrum, block_means(power_of(spectrum)), 1.0))[0, 0, 0]
    assert white[:480].reshape(-1, BLOCK_BINS).mean(dim=1).min() > 0.99


def test_a_falling_spectrum_is_flattened_to_unit_power() -> None:
    power = 10 ** (-4 * torch.arange(BINS) / BINS)  # 40 dB over the whole band
    out = flat(power)[:480]
    assert out[64:].log10().abs().max() < 0.2
    assert out[64:].mean() == pytest.approx(1.0, abs=0.1)


def test_what_lies_above_the_edge_moves_nothing_below() -> None:
    power = torch.ones(BINS)
    louder = power.clone()
    louder[480:] = 1e4
    torch.testing.assert_close(flat(louder)[:480], flat(power)[:480], rtol=1e-3, atol=0)
    torch.testing.assert_close(flat(power)[:480], torch.ones(480), rtol=1e-3, atol=0)


def test_what_stands_beside_a_hole_is_not_raised_without_limit() -> None:
    """The last block begins below the edge and ends above it; a codec has emptied those below."""
    power = torch.ones(BINS)
    power[320:464] = 1e-14
    out = power_of(flattened(rows(power), block_means(power_of(rows(power))), EDGE - 8, 1.0))
    assert out[..., :472].max() < 4


def test_silence_stays_silence() -> None:
    assert not flat(torch.zeros(BINS)).any()


def test_copies_of_several_edges_and_of_one_agree() -> None:
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn((2, 2, 2, 3, BINS), generator=generator)
    index = torch.arange(BINS).float()
    several = copy_up(spectrum, torch.tensor([200.0, 333.3]), index)
    for place, edge in enumerate((200.0, 333.3)):
        one = copy_up(spectrum[place : place + 1], torch.tensor([edge]), index)
        torch.testing.assert_close(one[0], several[place])


def test_flatness_of_equal_bins_is_zero_and_of_one_bin_in_sixteen_is_high() -> None:
    even = torch.ones(1, 1, 1, BINS)
    assert flatness(even, block_means(even)).abs().max() < 1e-6
    line = torch.full((1, 1, 1, BINS), 1e-3)
    line[..., 5::BLOCK_BINS] = 1.0
    by_hand = torch.log10(torch.tensor((1 + 15e-3) / 16)) + 3 * 15 / 16
    torch.testing.assert_close(flatness(line, block_means(line))[0, 0, 0, :60], by_hand.expand(60))
