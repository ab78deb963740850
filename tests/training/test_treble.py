"""The adversarial part of the default model's training."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from aliquot.errors import ConfigError
from aliquot.models.config import SpectralConfig
from aliquot.models.discriminators import DiscriminatorConfig
from aliquot.models.spectral import Spectral
from aliquot.training.loop import Trainer
from aliquot.training.losses import Region
from aliquot.training.parallel import SharedNoise
from aliquot.training.settings import AdversarySettings, Settings
from aliquot.training.step import middle_of, restored, spectra, treble_of


@pytest.fixture
def contested(tiny: Settings) -> Settings:
    """Four steps of levels, then eight of waves, the last five of them with an adversary."""
    return replace(
        tiny,
        adversary=AdversarySettings(weight=0.5, warmup=3),
        discriminators=DiscriminatorConfig(width=2, scales=0, windows=(), pairs=(512, 1024)),
    )


def test_an_adversary_hears_what_lies_between_cutoff_and_limit_as_it_was() -> None:
    """Three sines; the one between comes back as it was, to the sample, on both channels."""
    config = SpectralConfig()
    time = torch.arange(16_384) / 44_100
    low, middle, high = (torch.sin(2 * torch.pi * hz * time) for hz in (3_000, 8_000, 17_000))
    waves = torch.stack([low + middle + high, 0.5 * middle + high])[None]
    bins = [torch.tensor([hz * config.window / 44_100]) for hz in (5_000, 14_000)]
    region = Region(bins[0], bins[1], bins[1], torch.zeros(1, 1))
    heard = treble_of(spectra(waves, config.window, config.hop), config, region)
    start = config.window - config.hop
    wanted = torch.stack([middle, 0.5 * middle])[None, :, start : start + heard.shape[2]]
    assert heard.shape == (1, 2, 16_384 - 2 * start)
    torch.testing.assert_close(heard, wanted, atol=5e-3, rtol=0)  # the others leak


def test_an_adversary_joins_the_waves_and_moves_the_network(
    contested: Settings, tmp_path: Path
) -> None:
    alone = replace(contested, adversary=AdversarySettings())
    first, second = Trainer(contested, tmp_path / "a"), Trainer(alone, tmp_path / "b")
    critics = first.modules["adversary"]
    before = {name: value.clone() for name, value in critics.state_dict().items()}
    for index, (batch, _) in enumerate(zip(first.batches(), range(12), strict=False)):
        found, without = first.update(batch), second.update(batch)
        if index < 7:
            assert "adversarial" not in found
            assert found == pytest.approx(without, rel=1e-5)
        else:
            assert {"adversary_total", "adversarial", "features", "envelope"} <= set(found)
            names = ("spectrum", "texture", "envelope", "bias", "prior")
            alone_total = sum(getattr(contested.loss, name) * found[name] for name in names)
            verdict = found["adversarial"] + 2 * found["features"]
            assert found["total"] == pytest.approx(alone_total + 0.5 * verdict, rel=1e-4)
    after = critics.state_dict()
    assert any(not torch.equal(after[name], value) for name, value in before.items())
    moved = [
        not torch.equal(a, b)
        for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True)
    ]
    assert any(moved)


def test_an_adversary_hears_the_middle_of_an_example() -> None:
    """Frames of the middle are those of the whole, so critics judge what is released."""
    config = SpectralConfig(width=8, dilations=(1,))
    model = Spectral(config).eval()
    frames = 2 * config.context + 41
    waves = torch.randn(1, 2, (frames - 1) * config.hop + config.window)
    middle = middle_of(waves, config, 16)
    batch = [torch.zeros(1, config.bins) for _ in range(6)]
    batch[2] = torch.tensor([300.0])
    batch[0] = waves
    whole, _ = restored(model, batch, SharedNoise(0, torch.device("cpu")), 1)
    batch[0] = middle
    part, _ = restored(model, batch, SharedNoise(0, torch.device("cpu")), 1)
    assert part.shape[3] == 16
    below = slice(0, 250)  # nothing is made there, and noise differs above
    torch.testing.assert_close(part[..., below], whole[:, :, :, 12:28, below])
    assert middle_of(middle, config, 99).shape == middle.shape


def test_an_adversary_has_to_hear_its_longest_window(contested: Settings, tmp_path: Path) -> None:
    short = replace(contested, adversary=AdversarySettings(weight=0.5, frames=4))
    with pytest.raises(ConfigError, match=r"adversary.frames must be at least 5 .* got 4"):
        Trainer(short, tmp_path)


def test_an_unknown_kind_of_adversary_is_refused(contested: Settings, tmp_path: Path) -> None:
    wrong = replace(contested, adversary=AdversarySettings(weight=1.0, kind="wasserstein"))
    with pytest.raises(ConfigError, match="wasserstein"):
        Trainer(wrong, tmp_path)
