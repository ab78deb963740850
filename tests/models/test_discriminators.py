import math

import pytest
import torch

from aliquot.models.discriminators import (
    NARROW,
    DiscriminatorConfig,
    Discriminators,
    PairDiscriminator,
    ScaleDiscriminator,
    compressed,
    decibels,
)
from aliquot.training.adversary import ADVERSARIAL_LOSSES

TINY = DiscriminatorConfig(width=1, scales=2, windows=(128, 256))


@pytest.fixture(scope="module")
def judges() -> Discriminators:
    torch.manual_seed(0)
    return Discriminators(TINY)


def test_parameters() -> None:
    with torch.device("meta"):
        for config, expected in ((DiscriminatorConfig(), 17_204_988), (NARROW, 1_300_296)):
            judges = Discriminators(config)
            assert sum(tensor.numel() for tensor in judges.parameters()) == expected


def test_each_discriminator_scores_each_channel(judges: Discriminators) -> None:
    """2 examples of 3 channels of 2048 samples: 2048 / 256 scores, half of that at half the rate;
    13 frames of 65 bins after (2048 - 128) / 32 + 1 = 61 and 29 frames of 128 and 256."""
    scores, features = judges(torch.randn(2, 3, 2048))
    assert [tuple(score.shape) for score in scores] == [
        (6, 1, 8),
        (6, 1, 4),
        (6, 1, 61, 9),
        (6, 1, 29, 17),
    ]
    assert [len(layers) for layers in features] == [6, 6, 5, 5]
    assert all(layer.shape[0] == 6 for layers in features for layer in layers)


def test_the_gradient_of_every_score_reaches_the_waveform(judges: Discriminators) -> None:
    x = (0.1 * torch.randn(1, 1, 2048)).requires_grad_()
    for score in judges(x).scores:
        (gradient,) = torch.autograd.grad(score.square().sum(), x, retain_graph=True)
        assert gradient.isfinite().all()
        assert (gradient[..., 300:-300] != 0).float().mean() > 0.9


def test_silence_has_finite_gradients(judges: Discriminators) -> None:
    x = torch.zeros(1, 1, 1024, requires_grad=True)
    sum(score.sum() for score in judges(x).scores).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_decibels_run_from_silence_at_0_to_a_full_sine_at_1() -> None:
    """A sine of bin 16; at a tenth of the amplitude it is 20 dB of 100 lower."""
    time = torch.arange(1024)
    sine = torch.sin(2 * math.pi * 16 * time / 256)[None]
    level = decibels(sine, 256)
    assert level.shape == (1, 13, 129)
    assert level[..., 16].mean() == pytest.approx(1.0, abs=1e-4)
    assert decibels(0.1 * sine, 256)[..., 16].mean() == pytest.approx(0.8, abs=1e-4)
    assert decibels(0 * sine, 256).abs().max() == pytest.approx(0.0, abs=1e-5)
    assert level[..., 40:].max() < 0.1


def test_a_coarser_scale_hears_less_of_the_treble() -> None:
    torch.manual_seed(0)
    fine, coarse = ScaleDiscriminator(2, 0), ScaleDiscriminator(2, 2)
    coarse.load_state_dict(fine.state_dict())
    alternating = torch.ones(1, 4096)
    alternating[:, 1::2] = -1
    silence = torch.zeros(1, 4096)

    def heard(judge: ScaleDiscriminator) -> float:
        first = judge(alternating)[1][0] - judge(silence)[1][0]
        return float(first[..., 100:-100].abs().max().detach())

    assert heard(coarse) < 1e-6 < heard(fine)
    assert fine(silence)[0].shape[2] == 4 * coarse(silence)[0].shape[2]


def test_nothing_to_judge_by_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        DiscriminatorConfig(scales=0, windows=())
    DiscriminatorConfig(scales=0, windows=(), pairs=(256,))


def test_a_pair_is_judged_as_one_in_four_parts_of_the_band() -> None:
    """2 examples, (2048 - 256) / 64 + 1 = 29 frames, 128 bins in parts of 32, thinned to 8."""
    torch.manual_seed(0)
    judges = Discriminators(DiscriminatorConfig(width=2, scales=0, windows=(), pairs=(256,)))
    scores, features = judges(torch.randn(2, 2, 2048))
    assert [tuple(score.shape) for score in scores] == [(2, 1, 29, 32)]
    assert [tuple(layer.shape) for layer in features[0]] == 4 * [
        (2, 2, 29, 16),
        (2, 2, 29, 8),
        (2, 2, 29, 8),
    ]


def test_a_pair_hears_how_its_channels_stand_to_each_other() -> None:
    """The same channels, one turned over: every channel alone has the same spectrum."""
    torch.manual_seed(0)
    judge = PairDiscriminator(2, 256)
    both = torch.randn(1, 1, 2048).repeat(1, 2, 1)
    turned = both * torch.tensor([1.0, -1.0])[:, None]
    torch.testing.assert_close(
        compressed(both, 256).square(), compressed(turned, 256).square(), rtol=1e-4, atol=1e-5
    )
    assert (judge(both)[0] - judge(turned)[0]).abs().max() > 0.01


def test_compressed_spectra_keep_angles_and_bring_levels_together() -> None:
    """Noise 40 dB lower is 0.3 of that lower; silence is 0 and has finite gradients."""
    noise = torch.randn(1, 1, 4096, generator=torch.Generator().manual_seed(0))
    loud, quiet = compressed(noise, 256), compressed(0.01 * noise, 256)
    assert loud.square().mean().sqrt() == pytest.approx(0.7, abs=0.05)
    clear = loud.abs() > 0.3
    assert (quiet / loud)[clear].mean() == pytest.approx(10 ** (-0.3 * 2), rel=0.03)
    silence = torch.zeros(1, 1, 1024, requires_grad=True)
    compressed(silence, 256).sum().backward()
    assert silence.grad is not None
    assert silence.grad.isfinite().all()


def test_critics_soon_hear_that_the_treble_is_missing() -> None:
    """Noise that falls by 12 dB per octave, as loud as music, against the same without its top."""
    torch.manual_seed(1)
    critics = Discriminators(DiscriminatorConfig(width=2, scales=0, windows=(512, 1024)))
    optimizer = torch.optim.AdamW(critics.parameters(), 2e-3, (0.9, 0.98))
    fall = 1 / (1 + (torch.arange(2_049) / 40) ** 2)
    for _ in range(60):
        spectrum = torch.fft.rfft(torch.randn(4, 1, 4_096)) * fall
        whole = torch.fft.irfft(spectrum)
        dull = torch.fft.irfft(spectrum * (torch.arange(2_049) < 512))
        gain = 0.1 / whole.std()
        original, restored = critics(gain * whole), critics(gain * dull)
        loss = ADVERSARIAL_LOSSES["least-squares"].discriminator(original, restored)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # Undecided is 0.5; with levels from 0 to 1 at the input it would be 0.33 by now.
    assert float(loss.detach()) < 0.27
