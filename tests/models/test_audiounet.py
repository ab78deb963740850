import pytest
import torch

from aliquot.models.audiounet import NARROW, AudioUNet, AudioUNetConfig, Film


def parameters(config: AudioUNetConfig) -> int:
    with torch.device("meta"):  # counts, without memory
        return sum(tensor.numel() for tensor in AudioUNet(config).parameters())


def test_four_layers_have_71_million_parameters_and_eight_118() -> None:
    assert parameters(AudioUNetConfig(layers=4)) == 70_977_154
    assert parameters(AudioUNetConfig(layers=8)) == 118_169_218


def test_the_narrow_one_has_a_million() -> None:
    assert parameters(NARROW) == 1_110_994


@pytest.mark.parametrize(
    ("layers", "factor", "multiple"), [(4, 2, 32), (4, 6, 96), (8, 4, 512), (8, 6, 1536)]
)
def test_the_length_is_a_multiple_of_the_strides_and_of_the_factor(
    layers: int, factor: int, multiple: int
) -> None:
    with torch.device("meta"):
        network = AudioUNet(AudioUNetConfig(factor, layers, width=0.01))
    assert network.multiple == multiple


@pytest.mark.parametrize("layers", [0, 9])
def test_layers_without_filters_are_refused(layers: int) -> None:
    with pytest.raises(ValueError, match=r"layers must lie in \[1, 8\]"):
        AudioUNetConfig(layers=layers)


def test_units_are_dropped_while_training_only() -> None:
    torch.manual_seed(0)
    network = AudioUNet(AudioUNetConfig(layers=2, width=0.05))
    x = torch.randn(1, 1, 256)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_an_untrained_modulation_changes_nothing() -> None:
    x = torch.randn(2, 3, 32)
    torch.testing.assert_close(Film(3, 8)(x), x)


def test_a_modulation_scales_and_shifts_each_channel_block_by_block() -> None:
    film = Film(2, 4)
    with torch.no_grad():
        film.affine.bias.copy_(torch.tensor([1.0, -0.5, 10.0, 20.0]))
    out = film(torch.arange(16.0).reshape(1, 2, 8))
    assert out[0, 0].tolist() == [10, 12, 14, 16, 18, 20, 22, 24]
    assert out[0, 1].tolist() == [24, 24.5, 25, 25.5, 26, 26.5, 27, 27.5]


def test_a_modulation_hears_the_peak_of_a_block_and_of_those_before() -> None:
    torch.manual_seed(0)
    film = Film(2, 4)
    torch.nn.init.normal_(film.affine.weight)
    x = torch.rand(1, 2, 16)
    loudest = x.clone()
    loudest[0, 0, 9] = 3.0  # the third block
    out, changed = film(x), film(loudest)
    torch.testing.assert_close(changed[..., :8], out[..., :8])
    assert ((changed - out)[..., [8, 10, 11, 12, 13, 14, 15]].abs() > 1e-4).all()
    quieter = x.clone()
    below = x[0, 0, 8:12].argmin() + 8
    quieter[0, 0, below] *= 0.5
    others = [i for i in range(16) if i != below]
    torch.testing.assert_close(film(quieter)[..., others], out[..., others])


def test_a_modulated_network_learns_and_has_its_own_multiple() -> None:
    torch.manual_seed(0)
    network = AudioUNet(AudioUNetConfig(layers=2, width=0.05, dropout=0.0, film=True))
    assert network.multiple == 256
    x = torch.randn(2, 2, 768)
    assert network(x).shape == x.shape
    for name, parameter in network.named_parameters():
        if "affine" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    network(x).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
