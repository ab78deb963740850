import pytest
import torch
from torch import Tensor

from aliquot.models.discriminators import DiscriminatorConfig, Discriminators, Judgement
from aliquot.training.adversary import ADVERSARIAL_LOSSES, feature_matching


def judged(*scores: list[float]) -> Judgement:
    return Judgement([torch.tensor(values) for values in scores], [])


def felt(*layers: list[list[float]]) -> Judgement:
    return Judgement([], [[torch.tensor(values) for values in layer] for layer in layers])


ORIGINAL = judged([0.5, 2.0], [-1.0])
RESTORED = judged([0.0, -3.0], [0.5])


def test_least_squares_by_hand() -> None:
    """(1/4 + 1) / 2 + (0 + 9) / 2 = 41/8 and 4 + 1/4; (1 + 16) / 2 and 1/4."""
    loss = ADVERSARIAL_LOSSES["least-squares"]
    assert float(loss.discriminator(ORIGINAL, RESTORED)) == pytest.approx((41 / 8 + 17 / 4) / 2)
    assert float(loss.generator(RESTORED)) == pytest.approx((17 / 2 + 1 / 4) / 2)


def test_hinge_by_hand() -> None:
    """(1/2 + 0) / 2 + (1 + 0) / 2 = 3/4 and 2 + 3/2; 3/2 and -1/2."""
    loss = ADVERSARIAL_LOSSES["hinge"]
    assert float(loss.discriminator(ORIGINAL, RESTORED)) == pytest.approx((3 / 4 + 7 / 2) / 2)
    assert float(loss.generator(RESTORED)) == pytest.approx((3 / 2 - 1 / 2) / 2)


def test_a_perfect_discriminator_has_nothing_to_lose() -> None:
    squares, hinge = ADVERSARIAL_LOSSES["least-squares"], ADVERSARIAL_LOSSES["hinge"]
    assert float(squares.discriminator(judged([1.0]), judged([0.0]))) == 0
    assert float(hinge.discriminator(judged([1.5]), judged([-2.0]))) == 0
    assert float(squares.generator(judged([1.0]))) == 0


def test_feature_matching_by_hand() -> None:
    """Distances 1 and 1 over sizes 2 and 4; a hundred times as large counts the same."""
    original = felt([[2.0, -2.0], [4.0]], [[100.0, 300.0]])
    restored = felt([[3.0, -1.0], [3.0]], [[100.0, 100.0]])
    assert float(feature_matching(original, restored)) == pytest.approx(
        (1 / 2 + 1 / 4 + 100 / 200) / 3, abs=1e-6
    )
    assert float(feature_matching(original, original)) == 0


def test_nothing_is_learned_through_the_features_of_the_original() -> None:
    true, false = torch.tensor([1.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    feature_matching(Judgement([], [[true]]), Judgement([], [[false]])).backward()
    assert true.grad is None
    assert false.grad is not None
    assert float(false.grad) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_discriminators_learn_to_tell_two_sounds_apart_and_a_sound_learns_to_fool_them(
    name: str,
) -> None:
    torch.manual_seed(0)
    judges = Discriminators(DiscriminatorConfig(width=1, scales=1, windows=(64,)))
    original = 0.3 * torch.randn(2, 1, 512)
    restored = original.cumsum(2) / 8  # dull

    def descend(parameters: list[Tensor], loss: Tensor) -> None:
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= 0.02 * gradient / (gradient.norm() + 1e-9)

    loss = ADVERSARIAL_LOSSES[name]
    before = float(loss.discriminator(judges(original), judges(restored)).detach())
    for _ in range(30):
        descend(list(judges.parameters()), loss.discriminator(judges(original), judges(restored)))
    after = float(loss.discriminator(judges(original), judges(restored)).detach())
    assert after < 0.8 * before
    sound = restored.clone().requires_grad_()
    convincing = float(loss.generator(judges(sound)).detach())
    for _ in range(5):
        descend([sound], loss.generator(judges(sound)))
    assert float(loss.generator(judges(sound)).detach()) < convincing
