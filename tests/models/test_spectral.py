import copy
import dataclasses
import math

import numpy as np
import pytest
import torch

from aliquot.dsp.splice import fade_in
from aliquot.engine import first_made
from aliquot.models.config import SpectralConfig
from aliquot.models.description import OUTLINE
from aliquot.models.layers import warped_bands
from aliquot.models.spectral import MAP_SCALE, MAPS_AT, MIX_START, Spectral
from aliquot.training.step import spectra

TINY = SpectralConfig(width=16, expansion=2, dilations=(1, 2), input_bands=24, output_bands=20)
INNER = 24


@pytest.fixture(scope="module")
def network() -> Spectral:
    torch.manual_seed(0)
    network = Spectral(TINY).eval()
    torch.nn.init.normal_(network.leave.weight, std=0.3)  # trained networks do not sit at zero
    return network


@pytest.fixture(scope="module")
def spectrum() -> torch.Tensor:
    """Noise that falls by 40 dB over the band and ends at bin 300."""
    generator = torch.Generator().manual_seed(1)
    shape = (1, 2, 2, INNER + 2 * TINY.context, TINY.bins)
    slope = 10 ** (-2 * torch.arange(TINY.bins) / TINY.bins)
    return 20 * torch.randn(shape, generator=generator) * slope * (torch.arange(TINY.bins) < 300)


@pytest.fixture(scope="module")
def noise() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return 19.6 * torch.randn((1, 2, 2, INNER, TINY.bins), generator=generator)


CUTOFF = torch.tensor([305.0])
UNKNOWN = torch.zeros(1, TINY.bins)


def high(
    network: Spectral,
    spectrum: torch.Tensor,
    noise: torch.Tensor,
    long_term: torch.Tensor = UNKNOWN,
    frame: float = 0.0,
) -> torch.Tensor:
    with torch.no_grad():
        return network(spectrum, CUTOFF, long_term, noise, torch.tensor([frame]))


def test_bands_interpolate_without_gap_or_overlap() -> None:
    bands = warped_bands(20, 90, 1025)
    torch.testing.assert_close(bands.sum(0), torch.ones(1025))
    assert (bands[0, :91] == 1).all()
    assert bands[:, 500].count_nonzero() <= 2


def test_nothing_is_put_below_the_middle_of_the_guard(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    out = high(network, spectrum, noise)
    power = out.square().sum(dim=(0, 1, 2, 3))
    guard = max(23.2, 30.5)
    assert power[: int(305 - guard / 2)].max() == 0
    assert power[int(305 - guard / 4) + 1 :].min() > 0


def test_the_topmost_bins_alone_are_those_of_the_whole(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    first = first_made(305.0, TINY.guard_bins)
    whole, top = high(network, spectrum, noise), high(network, spectrum, noise[..., first:])
    assert first == 288
    assert not whole[..., :first].any()
    torch.testing.assert_close(top, whole[..., first:])


def test_the_fade_is_the_one_of_the_splice(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    """The ramp of the graph, read off as the ratio to a cut-off with no ramp there, is fade_in."""
    bins = np.arange(280, 310) * 44_100 / 2048
    expected = fade_in(bins, 305.0 * 44_100 / 2048)
    network = copy.deepcopy(network)
    with torch.no_grad():  # equal levels, all of it noise
        network.leave.weight.zero_()
        network.leave.bias.copy_(torch.tensor([0.0] * 20 + [-20.0] * 60))
    out = high(network, spectrum, noise).square().sum(dim=(0, 1, 2, 3)).sqrt().numpy()[280:310]
    assert ((out > 0) == (expected > 0)).all()
    assert np.corrcoef(out[:24], expected[:24])[0, 1] > 0.95


def test_twice_the_input_is_twice_the_output(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    one, four = high(network, spectrum, noise), high(network, 4 * spectrum, noise)
    torch.testing.assert_close(four, 4 * one, rtol=5e-3, atol=5e-3 * float(four.abs().max()))


def test_silence_stays_silence_and_a_silent_side_stays_silent(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    assert not high(network, torch.zeros_like(spectrum), noise).any()
    mono = spectrum.clone()
    mono[:, 1] = 0
    out = high(network, mono, noise)
    assert out[:, 0].any()
    assert not out[:, 1].any()


def test_swapped_channels_swap_levels(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    """Sound on the left only: mid and side equal; swapped, the side changes its sign."""
    network = copy.deepcopy(network)
    with torch.no_grad():  # equal levels of mid and side, half copied, the whole panning kept
        network.leave.weight.zero_()
        network.leave.bias.copy_(torch.tensor([0.0] * 40 + [20.0] * 20 + [-20.0] * 20))
    left_only = spectrum.clone()
    left_only[:, 1] = left_only[:, 0]
    right_only = left_only.clone()
    right_only[:, 1] *= -1
    one, other = high(network, left_only, noise), high(network, right_only, noise)
    for sign, mirrored in ((1, -1), (-1, 1)):
        energy = (one[:, 0] + sign * one[:, 1]).square().sum()
        swapped = (other[:, 0] + mirrored * other[:, 1]).square().sum()
        assert energy == pytest.approx(float(swapped), rel=0.02)
    left = (one[:, 0] + one[:, 1]).square().sum()
    right = (one[:, 0] - one[:, 1]).square().sum()
    assert left > 1000 * right


def tone(f0: float, frames: int) -> torch.Tensor:
    """Spectrum of a tone of so many Hz and its overtones below 6.1 kHz, more in the middle."""
    seconds = torch.arange((frames + 3) * TINY.hop, dtype=torch.float64) / 44_100
    parts = range(1, int(6_100 / f0) + 1)
    wave = sum(torch.sin(2 * torch.pi * f0 * part * seconds) / part for part in parts)
    return spectra(torch.stack([wave, 0.3 * wave])[None].float(), TINY.window, TINY.hop)


def test_partials_go_on_above_the_cutoff() -> None:
    """Copies put power where overtones lie, and not between."""
    f0 = 500.3
    fresh = Spectral(TINY).eval()
    torch.nn.init.zeros_(fresh.leave.weight)
    quiet = torch.zeros((1, 2, 2, INNER, TINY.bins))
    out = high(fresh, tone(f0, INNER + 2 * TINY.context), quiet)
    power = out.square().sum(dim=(0, 1, 2, 3))
    hz = torch.arange(TINY.bins) * 44_100 / TINY.window
    above = (hz > 7_500) & (hz < 15_000)
    near = ((hz / f0 - (hz / f0).round()).abs() * f0 < 45) & above
    assert power[near].sum() > 0.9 * power[above].sum()
    assert near.sum() < 0.2 * above.sum()


def test_where_a_window_begins_does_not_matter(network: Spectral, noise: torch.Tensor) -> None:
    """Copies turn with the number of a frame in the recording, not in the window."""
    spectrum = tone(523.3, INNER + 2 * TINY.context)
    early, later = (
        high(network, spectrum[:, :, :, first:], noise[:, :, :, first:], frame=7 + first)
        for first in (0, 1)
    )
    unlike = high(network, spectrum[:, :, :, 1:], noise[:, :, :, 1:], frame=7)
    torch.testing.assert_close(early[:, :, :, 1:], later, rtol=1e-3, atol=1e-3)
    assert (early[:, :, :, 1:] - unlike).abs().max() > 0.1 * early.abs().max()


def test_an_untrained_network_copies_and_adds_a_tenth_of_noise(
    spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    torch.manual_seed(0)
    fresh = Spectral(TINY).eval()
    torch.nn.init.zeros_(fresh.leave.weight)
    copied = high(fresh, spectrum, torch.zeros_like(noise))
    both = high(fresh, spectrum, noise)
    share = 1 / (1 + math.exp(-MIX_START))
    added = (both - copied).square().sum() / both.square().sum()
    assert float(added) == pytest.approx(1 - share**2, rel=0.25)


def test_what_a_slope_has_left_is_amplified_and_silence_is_not(
    network: Spectral, noise: torch.Tensor
) -> None:
    """All trust in what lies 60 dB down: it comes back as loud as is guessed, with its own course
    over time and fine structure."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        network.leave.weight.zero_()
        network.leave.bias.copy_(torch.tensor([0.3] * 20 + [0.0] * 40 + [20.0] * 20))
    generator = torch.Generator().manual_seed(3)
    shape = (1, 2, 2, INNER + 2 * TINY.context, TINY.bins)
    whole = 20 * torch.randn(shape, generator=generator)
    above = (torch.arange(TINY.bins) > 420) & (torch.arange(TINY.bins) < TINY.bins - 1)
    inner = slice(TINY.context, -TINY.context)
    sloped = torch.where(torch.arange(TINY.bins) > 300, 0.001 * whole, whole)
    restored = high(network, sloped, noise)[..., above]
    wanted = whole[:, :, :, inner][..., above]
    assert torch.corrcoef(torch.stack([restored.flatten(), wanted.flatten()]))[0, 1] > 0.97
    gain = restored.square().mean() / wanted.square().mean()
    assert 10 * math.log10(float(gain)) == pytest.approx(0.0, abs=1.0)
    loud = torch.where(torch.arange(shape[3]) % 8 < 4, 1.0, 0.1)[:, None]
    course = torch.where(torch.arange(TINY.bins) > 300, loud * sloped, sloped)
    restored = high(network, course, noise)[..., above].square().mean(dim=(0, 1, 2, 4))
    both = torch.stack([restored.log(), loud[inner, 0].log()])
    assert torch.corrcoef(both)[0, 1] > 0.97
    walled = torch.where(torch.arange(TINY.bins) > 300, 0.0, whole)
    restored = high(network, walled, noise)[..., above]
    assert restored.square().mean() > 0.1 * wanted.square().mean()
    assert torch.corrcoef(torch.stack([restored.flatten(), wanted.flatten()]))[0, 1].abs() < 0.1


def test_a_result_depends_on_its_context_and_no_further(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    outer = torch.cat([100 * torch.randn_like(spectrum), spectrum], dim=3)
    shift = spectrum.shape[3]
    later = torch.cat([torch.randn_like(noise)] * (shift // INNER + 1), dim=3)[:, :, :, :shift]
    out = high(network, outer, torch.cat([later, noise], dim=3))
    alone = high(network, spectrum, noise, frame=shift)
    torch.testing.assert_close(out[:, :, :, shift:], alone)


def test_a_recording_is_known_by_the_shape_of_its_long_term_spectrum(
    network: Spectral, spectrum: torch.Tensor, noise: torch.Tensor
) -> None:
    network = copy.deepcopy(network)
    torch.nn.init.normal_(network.styles.leave.weight, std=0.1)
    falling = torch.where(torch.arange(TINY.bins) < 300, 1.0, 0.0)[None]
    falling = falling * 10 ** (-3 * torch.arange(TINY.bins) / TINY.bins)
    unknown, known = high(network, spectrum, noise), high(network, spectrum, noise, falling)
    assert (known - unknown).abs().max() > 0.05 * unknown.abs().max()
    louder = high(network, spectrum, noise, 100 * falling)
    torch.testing.assert_close(louder, known, rtol=1e-3, atol=1e-3 * float(known.abs().max()))
    gentle = falling + 0.01 * (torch.arange(TINY.bins) >= 300)
    other = high(network, spectrum, noise, gentle)
    assert (other - known).abs().max() > 0.05 * known.abs().max()


def test_a_window_of_other_than_four_hops_is_refused() -> None:
    with pytest.raises(ValueError, match="four hops"):
        Spectral(SpectralConfig(window=1024))


def test_a_network_that_knows_nothing_continues_the_top_of_the_given_band() -> None:
    """White noise that falls by 20 dB: the anchor is known by hand."""
    torch.manual_seed(0)
    config = dataclasses.replace(TINY, level_offset=0.0, input_bands=128)
    network = Spectral(config).eval()
    torch.nn.init.zeros_(network.leave.weight)
    with torch.no_grad():
        network.leave.bias[20:40] = -20.0  # all of it noise
    shape = (1, 2, 2, 60 + 2 * config.context, config.bins)
    white = torch.randn(shape) * (torch.arange(config.bins) < 300) * (0.375 * 2048 / 2) ** 0.5
    white[..., 200:] *= 0.1
    noise = torch.randn(1, 2, 2, 60, config.bins) * (0.375 * 2048 / 2) ** 0.5
    out = high(network, white, noise)[..., 310:].square().sum(dim=2).mean()
    top = white[..., 220:270].square().sum(dim=2).mean()
    assert float(10 * torch.log10(out / top)) == pytest.approx(0, abs=0.5)


def test_maps_belong_to_cutoffs_and_mix_in_between() -> None:
    network = Spectral(TINY)
    with torch.no_grad():
        network.maps.copy_(torch.arange(3.0)[:, None, None].expand(network.maps.shape))
    shown, outline = torch.ones(2, 5, network.maps.shape[1] - OUTLINE), torch.ones(1, OUTLINE)
    unit = MAP_SCALE * network.maps.shape[1]
    for cutoff, expected in (*zip(MAPS_AT, (0, 1, 2), strict=True), (60.0, 0), (183.3, 0.5)):
        found = network.mapped(shown, outline, torch.tensor([cutoff]))
        assert found.shape == (1, 2, 5, TINY.output_bands)
        torch.testing.assert_close(
            found / unit, torch.full_like(found, expected), atol=0.02, rtol=0
        )


def test_output_bands_are_read_at_their_centres() -> None:
    network = Spectral(TINY)
    centres = network.output_centres(CUTOFF)
    weights = network.between(CUTOFF, centres[0])
    torch.testing.assert_close(weights[0], torch.eye(TINY.output_bands), atol=1e-4, rtol=0)
