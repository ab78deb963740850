from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aliquot.degrade.lowpass import Lowpass, power_response
from aliquot.dsp.stereo import to_mid_side
from aliquot.models.description import OUTER
from aliquot.models.excitation import TINY
from aliquot.models.spectral import Spectral
from aliquot.training.bands import BandExamples, described
from aliquot.training.losses import LevelLoss, Region
from aliquot.training.recordings import decoded, samples_of
from aliquot.training.rows import random_rows
from aliquot.training.settings import LossSettings, Settings
from aliquot.training.step import level_step, spectra


def examples(settings: Settings, *, held_out: bool = False) -> BandExamples:
    s = settings
    return BandExamples(s.data, s.levels, s.degrade, s.model, 1, held_out=held_out)


def test_an_example_is_a_function_of_its_number(tiny: Settings) -> None:
    first, second = examples(tiny), examples(tiny)
    for index in (0, 5, 3):
        for one, other in zip(first[index], second[index], strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0].bands, first[1].bands)


def test_a_piece_is_described_as_the_network_describes_its_waveform(tiny: Settings) -> None:
    network = Spectral(tiny.model)
    piece = examples(tiny).pieces[0]
    rows = np.load(described(piece, tiny.data, network, 1.0))
    at = 100 * tiny.model.hop
    wave = to_mid_side(samples_of(decoded(piece, tiny.data)[at : at + 4 * tiny.model.window]))
    spectrum = spectra(torch.from_numpy(wave)[None], tiny.model.window, tiny.model.hop)
    power = spectrum.square().sum(dim=2) / (0.375 * tiny.model.window)
    bands = torch.log10(power @ network.analysis + TINY)[0, :, 3].numpy()
    np.testing.assert_allclose(rows[103, :, : tiny.model.input_bands], bands, atol=0.01)


def test_models_of_other_grids_are_told_the_same_outline(tiny: Settings) -> None:
    """Half the window has half the bins, and reaches as far up."""
    other = replace(tiny.model, window=1024, hop=256, guard_bins=11.6)
    fine, coarse = (examples(replace(tiny, model=model)) for model in (tiny.model, other))
    for index in range(4):
        rows = []
        for made in (fine, coarse):
            centres = made.band_centres / (made.model.bins - 1)
            row = np.log10(np.maximum(made[index].long_term, 1e-12))
            rows.append(np.interp(np.linspace(0.05, 0.3, 20), centres, row))
        assert np.abs(rows[0] - rows[1]).mean() < 0.5


def test_a_piece_played_faster_reaches_further_up(tiny: Settings) -> None:
    """A third of an octave faster: the spectrum moves up by the same."""
    network = Spectral(replace(tiny.model, input_bands=64))
    piece = examples(tiny).pieces[0]
    usual, fast = (
        10 ** np.load(described(piece, tiny.data, network, speed))[:, 0, :64].astype(float)
        for speed in (1.0, 1.26)
    )
    assert fast.shape[0] == pytest.approx(usual.shape[0] / 1.26, abs=4)
    centres = network.band_centres.numpy()
    moved = np.interp(centres, centres * 1.26, np.log10(usual.mean(axis=0)))
    inside = (centres > 60) & (centres < 700)
    change = np.log10(fast.mean(axis=0)) - moved
    assert np.abs(change[inside]).mean() < 0.15
    assert np.abs((np.log10(fast / usual[: fast.shape[0]])).mean(axis=0)[inside]).mean() > 0.15


def test_rows_read_are_neighbours_of_the_file(tmp_path: Path) -> None:
    stored = np.arange(60, dtype=np.float16).reshape(10, 2, 3)
    np.save(tmp_path / "rows.npy", stored)
    starts = set()
    for seed in range(20):
        rows = random_rows(tmp_path / "rows.npy", 4, np.random.default_rng(seed))
        start = int(rows[0, 0, 0] // 6)
        np.testing.assert_array_equal(rows, stored[start : start + 4])
        starts.add(start)
    assert len(starts) > 3
    assert random_rows(tmp_path / "rows.npy", 50, np.random.default_rng(0)).shape == (10, 2, 3)


@pytest.mark.parametrize("family", ["butterworth", "brickwall", "sinc", "soxr", "chebyshev1"])
def test_a_response_is_what_the_filter_does(family: str) -> None:
    gain = power_response(Lowpass(family, 5_512.5, 8), 44_100, 1_025)
    assert gain.shape == (1_025,)
    assert gain[:180] == pytest.approx(np.ones(180), abs=0.05)
    assert gain[400:].max() < 1e-3
    if family == "butterworth":
        assert gain[256] == pytest.approx(0.5, abs=0.01)


def test_the_truth_costs_nothing_and_ten_decibels_cost_one(tiny: Settings) -> None:
    network = Spectral(tiny.model)
    loss = LevelLoss(LossSettings(prior=0.0), network)
    power = torch.rand(2, 2, 200, tiny.model.input_bands) + 0.1
    level = torch.zeros(2, 2, 200, tiny.model.output_bands)
    cutoff = torch.tensor([200.0, 300.0])
    centres = network.output_centres(cutoff)
    region = Region(cutoff, torch.tensor([800.0] * 2), torch.tensor([900.0] * 2), centres)
    assert float(loss(power, power, level, region)["total"]) == pytest.approx(0, abs=1e-6)
    found = loss(power * 10, power, level, region)
    assert float(found["envelope"]) == pytest.approx(1.0, abs=0.05)
    assert float(found["bias"]) == pytest.approx(1.0, abs=0.01)
    changed = power.clone()
    changed[..., network.band_centres > 900] *= 100
    changed[..., network.band_centres < 180] *= 100
    found = loss(changed, power, level, region)
    assert float(found["total"]) == pytest.approx(0, abs=1e-6)


def test_levels_learned_from_bands_are_those_of_the_waveform(tiny: Settings) -> None:
    """One example both ways: the same powers in, so the same anchor and levels out."""
    torch.manual_seed(0)
    network = Spectral(tiny.model).eval()
    torch.nn.init.normal_(network.leave.weight, std=0.3)
    wave = torch.randn(1, 2, 120 * 512)
    spectrum = spectra(wave, 2048, 512)
    power = spectrum.square().sum(dim=2) / (0.375 * 2048)
    cutoff, long_term = torch.tensor([250.0]), torch.rand(1, 1025)
    torch.nn.init.normal_(network.styles.leave.weight, std=0.1)
    bands = long_term @ network.analysis
    with torch.no_grad():
        _, level, *_ = network.predict(power @ network.analysis, cutoff, bands)
        restored = spectrum.shape[3] - 2 * tiny.model.context
        noise = torch.zeros(1, 2, 2, restored, 1025)
        _, other = network.restore(spectrum, cutoff, long_term, noise, torch.zeros(1))
    context = tiny.model.context - OUTER
    torch.testing.assert_close(level[:, :, context:-context], other, rtol=1e-3, atol=1e-3)


def test_a_few_steps_on_bands_lower_the_loss(tiny: Settings) -> None:
    torch.manual_seed(0)
    network = Spectral(tiny.model)
    loss = LevelLoss(LossSettings(), network)
    batch = [
        torch.from_numpy(np.stack(field))
        for field in zip(*(examples(tiny)[i] for i in range(4)), strict=True)
    ]
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    first = None
    for _ in range(60):
        terms = level_step(network, loss, batch)
        optimizer.zero_grad()
        terms["total"].backward()
        optimizer.step()
        first = first or float(terms["total"].detach())
    assert float(terms["total"].detach()) < 0.6 * first
