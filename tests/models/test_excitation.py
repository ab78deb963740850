import numpy as np
import pytest
import torch

from aliquot.dsp.stft import istft
from aliquot.models.excitation import (
    BLOCK_BINS,
    block_means,
    copy_up,
    flatness,
    flattened,
    whitened,
)
from aliquot.training.step import spectra

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


INDEX = torch.arange(BINS).float()
FIRST = torch.zeros((3, 1))


def test_the_copy_comes_from_the_top_of_the_given_band() -> None:
    """By hand: edge 80, width 40.5; bins 80 to 120 repeat 40 (shift 40: 40.5 rounds to even)."""
    ramp = INDEX.expand(1, 2, 2, 3, -1).contiguous()
    width = torch.full((1, 3, 1), 40.5)
    copied = copy_up(ramp, torch.tensor([80.4]), INDEX, width, FIRST)[0, 0, 0, 0]
    assert copied[78:84].tolist() == [78, 79, 40, 41, 42, 43]
    assert copied[119:123].tolist() == [79, 80, 40, 41]  # two widths are 81 bins


def test_copies_of_several_edges_and_of_one_agree() -> None:
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn((2, 2, 2, 3, BINS), generator=generator)
    width = torch.tensor([[100.0], [97.3], [88.8]]).expand(2, -1, -1)
    number = torch.tensor([[7.0], [8.0], [9.0]])
    several = copy_up(spectrum, torch.tensor([200.0, 333.3]), INDEX, width, number)
    for place, edge in enumerate((200.0, 333.3)):
        rows = spectrum[place : place + 1]
        one = copy_up(rows, torch.tensor([edge]), INDEX, width[:1], number)
        torch.testing.assert_close(one[0], several[place])


@pytest.mark.parametrize("width", [40.0, 41.0, 42.0, 43.0])
def test_a_copied_sine_is_a_sine(width: float) -> None:
    """Shifted by any number of bins it stays one line from frame to frame: nothing leaks."""
    rate, frames, window, hop = 44_100, 40, 2_048, 512
    hz = 70.3 * rate / window
    seconds = torch.arange(window + (frames - 1) * hop) / rate
    wave = torch.sin(2 * torch.pi * hz * seconds)[None, None].expand(1, 2, -1).contiguous()
    shape = torch.full((1, frames, 1), width)
    number = torch.arange(frames).float()[:, None] + 3
    spectrum = spectra(wave, window, hop)
    copied = copy_up(spectrum, torch.tensor([80.0]), INDEX, shape, number)
    copied = copied * ((INDEX >= 100) & (INDEX < 120))
    rows = copied[0, 0].permute(1, 2, 0).contiguous()
    sound = istft(torch.view_as_complex(rows)[None].numpy(), window, hop)[0, 2_048:-2_048]
    times = np.arange(sound.size) / rate
    shifted = 2j * np.pi * (hz + width * rate / window) * times
    line = 2 * np.abs(np.mean(sound * np.exp(-shifted))) ** 2
    assert line > 0.98 * np.mean(sound**2)


def test_flatness_of_equal_bins_is_zero_and_of_one_bin_in_sixteen_is_high() -> None:
    even = torch.ones(1, 1, 1, BINS)
    assert flatness(even, block_means(even)).abs().max() < 1e-6
    line = torch.full((1, 1, 1, BINS), 1e-3)
    line[..., 5::BLOCK_BINS] = 1.0
    by_hand = torch.log10(torch.tensor((1 + 15e-3) / 16)) + 3 * 15 / 16
    torch.testing.assert_close(flatness(line, block_means(line))[0, 0, 0, :60], by_hand.expand(60))
