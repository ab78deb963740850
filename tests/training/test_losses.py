import pytest
import torch

from aliquot.models.config import SpectralConfig
from aliquot.training.losses import Region, SpectralLoss, prior
from aliquot.training.settings import LossSettings

MODEL = SpectralConfig()
OCTAVES = torch.linspace(-0.1, 3.3, MODEL.output_bands)
REGION = Region(
    cutoff=torch.tensor([300.0]),
    typical=torch.tensor([800.0]),
    limit=torch.tensor([900.0]),
    centres=300.0 * 2 ** OCTAVES[None],
)
LEVEL = torch.zeros(1, 2, 16, MODEL.output_bands)


@pytest.fixture
def original() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((1, 2, 2, 16, MODEL.bins), generator=generator)


def terms(estimate: torch.Tensor, original: torch.Tensor, **weights: float) -> dict[str, float]:
    loss = SpectralLoss(LossSettings(**weights), MODEL, torch.device("cpu"))  # type: ignore[arg-type]
    return {k: float(v) for k, v in loss(estimate, original, LEVEL, REGION).items()}


def test_the_truth_costs_nothing_but_the_prior(original: torch.Tensor) -> None:
    found = terms(original, original, prior=0.0)
    assert found["spectrum"] == pytest.approx(0.01, abs=1e-3)  # the root's own floor
    assert found["envelope"] == found["bias"] == found["texture"] == 0


def test_ten_decibels_cost_one_in_spectrum_envelope_and_bias_and_nothing_in_texture(
    original: torch.Tensor,
) -> None:
    found = terms(original * 10**0.5, original)
    assert found["spectrum"] == pytest.approx(1.0, abs=0.01)
    assert found["envelope"] == pytest.approx(1.0, abs=0.01)
    assert found["bias"] == pytest.approx(1.0, abs=0.01)
    assert found["texture"] == pytest.approx(0.0, abs=1e-3)


def test_smooth_treble_costs_texture(original: torch.Tensor) -> None:
    smooth = original.sign()
    assert terms(smooth, original)["texture"] > 0.3


def test_another_noise_of_the_same_spectrum_is_as_rough(original: torch.Tensor) -> None:
    """Chance moves the spread of a block from frame to frame; its mean over frames is what counts.

    Noise that is smoother by nature, of twice the degrees of freedom, is not.
    """
    torch.manual_seed(7)
    other = torch.randn_like(original)
    smoother = (other.square() + torch.randn_like(original).square()).sqrt()
    assert terms(other, torch.randn_like(original))["texture"] < 0.06
    assert terms(smoother, torch.randn_like(original))["texture"] > 0.1


def test_what_a_codec_has_emptied_says_nothing_of_texture(original: torch.Tensor) -> None:
    """Whole blocks do not count; holes inside a block count as if they were 30 dB deep."""
    torch.manual_seed(7)
    other = torch.randn_like(original)
    emptied = original.clone()
    emptied[..., 480:640] = 0
    assert terms(other, emptied)["texture"] < 0.06
    deep, deeper = original.clone(), original.clone()
    deep[..., 480:640:2] *= 1e-2
    deeper[..., 480:640:2] *= 1e-3
    assert terms(deep, deeper)["texture"] < 1e-3
    assert terms(original, deeper)["texture"] > 0.1


def test_what_lies_below_the_fade_or_above_the_limit_costs_nothing(
    original: torch.Tensor,
) -> None:
    changed = original.clone()
    changed[..., :285] *= 100
    changed[..., 900:] *= 100
    found = terms(changed, original, prior=0.0)
    assert found["total"] == pytest.approx(terms(original, original, prior=0.0)["total"], abs=1e-4)


def test_a_sound_moved_to_the_other_side_costs_envelope(original: torch.Tensor) -> None:
    left = original.clone()
    left[:, 1] = left[:, 0]
    moved = left.clone()
    moved[:, 1] *= -1
    assert terms(moved, left)["envelope"] > 1.0


def test_levels_above_the_typical_bandwidth_fall_slowly_from_the_last_below() -> None:
    known = int((REGION.centres <= 800).sum())
    falling = -0.23 * (OCTAVES - OCTAVES[known - 1]).clamp(min=0).expand(1, 2, 16, -1)
    assert float(prior(falling, REGION)) == pytest.approx(0, abs=1e-6)
    assert float(prior(LEVEL, REGION)) > 0.001
