import pytest
import torch

from aliquot.models.comb import BEYOND, LEAST, autocorrelation, distance

BINS = 1025
FRAMES = 5


def comb(spacing: float, edge: int, seed: int = 0) -> torch.Tensor:
    """Power of partials so many bins apart, as wide as a window's, and noise 30 dB below."""
    generator = torch.Generator().manual_seed(seed)
    bins = torch.arange(BINS)
    off = bins - spacing * torch.round(bins / spacing)
    noise = torch.rand((1, 2, FRAMES + 2 * BEYOND, BINS), generator=generator)
    lines = torch.cos(torch.pi * off / 4).clamp(min=0) ** 4 + 1e-3 * noise
    return lines * 10 ** (-3 * bins / BINS) * (bins < edge)


@pytest.mark.parametrize("spacing", [9.7, 23.4, 51.3, 90.2])
@pytest.mark.parametrize("edge", [180.0, 236.3, 460.0, 800.0])
def test_the_distance_is_a_multiple_of_the_partials_own(spacing: float, edge: float) -> None:
    width, strength = distance(comb(spacing, int(edge)), torch.tensor([edge]))
    assert width.shape == strength.shape == (1, FRAMES, 1)
    multiples = width / spacing
    assert (multiples - multiples.round()).abs().max() * spacing < 0.35
    assert strength.min() > 0.8
    assert width.max() <= 0.62 * edge + 1


def test_noise_is_copied_by_half_of_the_given_band() -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (1, 2, 60 + 2 * BEYOND, BINS)
    power = -torch.log(torch.rand(shape, generator=generator)) * (torch.arange(BINS) < 300)
    width, strength = distance(power, torch.tensor([300.7]))
    assert strength.median() < LEAST
    assert (width[strength <= LEAST] == 148).all()


def test_loudness_and_slope_do_not_matter_and_silence_is_no_comb() -> None:
    power, edge = comb(23.4, 300), torch.tensor([300.0])
    steeper = 1e-3 * power * 10 ** (-2 * torch.arange(BINS) / BINS)
    widths = [distance(rows, edge)[0] for rows in (power, steeper)]
    torch.testing.assert_close(*widths, atol=0.1, rtol=0)
    width, strength = distance(torch.zeros_like(power), edge)
    assert (width == 148).all()
    assert strength.max() < 0.01


def test_several_at_once_and_one_by_one_agree() -> None:
    power = torch.cat([comb(23.4, 300), comb(40.1, 700, 1)])
    edges = torch.tensor([300.0, 700.4])
    several = distance(power, edges)
    for place in range(2):
        one = distance(power[place : place + 1], edges[place : place + 1])
        for found, expected in zip(one, several, strict=True):
            torch.testing.assert_close(found[0], expected[place], atol=1e-4, rtol=1e-4)


def test_autocorrelation_is_the_sum_of_products() -> None:
    lines = torch.randn((1, 2, 512), generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool1d(lines, 9, 1, 4)  # nothing above the last quefrency
    found = autocorrelation(smooth)
    row = smooth[0, 1]
    sums = torch.stack([row @ row, *((row[lag:] @ row[:-lag]) for lag in range(16, 321))])
    found = found[0, 1] / found[0, 1, 0]
    torch.testing.assert_close(found, sums / sums[0], atol=0.03, rtol=0)
