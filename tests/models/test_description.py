import numpy as np
import pytest
import torch

from aliquot.models.description import (
    ABOVE,
    ANCHOR_END,
    BELOW,
    FALL,
    FLAT,
    FLATNESS,
    LONG,
    OUTER,
    SHORT,
    SHOWN,
    SPREAD_STRIDE,
    Describer,
    averaged,
)
from aliquot.models.layers import warped_bands

BINS, BANDS, FRAMES = 1025, 128, 130
COUNT = len(BELOW)
LATE = 3 * COUNT + len(BELOW[::SPREAD_STRIDE])
"""Where levels above the cut-off begin."""


@pytest.fixture(scope="module")
def describe() -> Describer:
    return Describer(BINS, BANDS)


def bands_of(power: torch.Tensor) -> torch.Tensor:
    """Band powers ``(1, 2, frames, bands)`` of a constant spectrum ``(bins,)``."""
    triangles = warped_bands(BANDS, 0.0, BINS)
    means = power @ (triangles / triangles.sum(1, keepdim=True)).T
    return means.expand(1, 2, FRAMES, BANDS).clone()


def law(slope: float) -> torch.Tensor:
    """Power over bins that falls by so many log10 units an octave."""
    return 10 ** (-slope * torch.log2(torch.arange(BINS).clamp(min=1).float()))


def anchor_at(cutoff: float, slope: float) -> torch.Tensor:
    value = 10 ** (-slope * np.log2(ANCHOR_END * cutoff))
    return torch.full((1, 2, FRAMES, 1), float(value))


def test_what_is_shown_depends_on_the_distance_from_the_cutoff_alone(describe: Describer) -> None:
    """A power law looks the same from everywhere; one of 4 dB an octave looks flat."""
    bands = bands_of(law(FALL))
    for cutoff in (180.0, 350.0):
        shown = describe(bands, anchor_at(cutoff, FALL), torch.tensor([cutoff])).shown
        assert shown.shape == (2, FRAMES - 2 * OUTER, SHOWN)
        near = [index for index, octaves in enumerate(BELOW) if octaves < 5]
        assert shown[:, :, near].abs().max() < 0.05
        above = shown[:, :, LATE : LATE + len(ABOVE)]
        expected = -FALL * (torch.tensor(ABOVE) - np.log2(ANCHOR_END))
        torch.testing.assert_close(above[0, 40], expected.float(), atol=0.05, rtol=0)


def test_how_deep_an_empty_band_lies_is_not_shown(describe: Describer) -> None:
    """A wall's rounding errors say nothing; they are levels all the same."""
    cutoff = torch.tensor([300.0])
    spectra = [law(0.3) * torch.where(torch.arange(BINS) < 300, 1.0, 10.0**-d) for d in (9, 13)]
    one, other = (describe(bands_of(s), anchor_at(300.0, 0.3), cutoff) for s in spectra)
    torch.testing.assert_close(one.shown, other.shown)
    assert (one.levels - other.levels)[..., 100:].min() > 3


def test_a_filter_is_shown(describe: Describer) -> None:
    cutoff = torch.tensor([300.0])
    place = torch.arange(BINS).clamp(min=1) / 300
    shown = [
        describe(bands_of(law(0.3) / (1 + place ** (2 * order))), anchor_at(300.0, 0.3), cutoff)
        for order in (4, 8)
    ]
    octave_up = LATE + ABOVE.index(1.0)
    steeper = shown[0].shown[0, 40, octave_up] - shown[1].shown[0, 40, octave_up]
    assert float(steeper) == pytest.approx(2.4, abs=0.2)  # 24 dB an octave


def test_silence_does_not_count(describe: Describer) -> None:
    """Half of the frames are silent: means and spreads are those of the others."""
    bands, anchor = bands_of(law(0.5)), anchor_at(300.0, 0.5)
    loud = describe(bands, anchor, torch.tensor([300.0])).shown[:, OUTER % 2 :: 2]
    bands[:, :, 1::2] = 0
    anchor[:, :, 1::2] = 0
    half = describe(bands, anchor, torch.tensor([300.0])).shown[:, OUTER % 2 :: 2]
    torch.testing.assert_close(half, loud, atol=1e-3, rtol=1e-3)


def test_means_are_taken_over_frames_around(describe: Describer) -> None:
    rows = torch.zeros(1, 2, FRAMES, 1)
    rows[0, 0, 60] = float(LONG)
    means = averaged(rows, torch.ones_like(rows))
    first = 60 - OUTER  # where the one that counts is described
    assert float(means[LONG][0, 0, first, 0]) == pytest.approx(1.0, abs=1e-4)
    assert float(means[LONG][0, 0, first + LONG // 2, 0]) == pytest.approx(1.0, abs=1e-4)
    assert float(means[LONG][0, 0, first + 1 + LONG // 2, 0]) == 0
    assert not means[LONG][0, 1].any()


def test_flatness_is_shown_now_and_on_average_over_either_time(describe: Describer) -> None:
    """One frame has lines, in the block at the cut-off: a mean holds its share of the frames."""
    blocks = torch.zeros(1, 2, FRAMES, 64)
    moment, block = 65, 24
    blocks[:, 0, moment, block] = 1.0
    cutoff = torch.tensor([16.0 * (block + 1)])
    shown = describe.flatness(blocks, cutoff)
    assert shown.shape == (1, 2, FRAMES - 2 * OUTER, FLATNESS)
    now, short, long = (shown[0, 0, :, n * len(FLAT)] for n in range(3))
    here = moment - OUTER
    assert now.nonzero().flatten().tolist() == [here]
    assert float(now[here]) == pytest.approx(1.0)
    for row, width in ((short, SHORT), (long, LONG)):
        reached = [max(0, here - width // 2), min(len(row), here + width // 2 + 1)]
        assert row.nonzero().flatten().tolist() == list(range(*reached))
        torch.testing.assert_close(row[here], torch.tensor(1 / width))
    assert not shown[0, 1].any()
