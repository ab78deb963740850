import pytest
import torch

from aliquot.models.hetherly import NARROW, Hetherly, HetherlyConfig


def parameters(config: HetherlyConfig) -> int:
    with torch.device("meta"):
        return sum(tensor.numel() for tensor in Hetherly(config).parameters())


def test_parameters() -> None:
    assert parameters(HetherlyConfig()) == 31_473_114
    assert parameters(NARROW) == 1_499_226


def test_channels_double_from_8_to_1024_with_2048_in_the_middle() -> None:
    assert HetherlyConfig().widths == (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    assert HetherlyConfig().kernels.down == (5, 3, 3, 3, 3, 3, 3, 3)
    assert NARROW.widths == (8, 16, 32, 64, 128, 160, 160, 160, 160)


def test_nine_halvings_make_a_total_stride_of_512() -> None:
    with torch.device("meta"):
        assert Hetherly(HetherlyConfig()).multiple == 512
        assert Hetherly(HetherlyConfig(factor=6)).multiple == 1536


def test_no_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        HetherlyConfig(layers=0)


def test_the_norm_learns_while_training_and_is_fixed_after() -> None:
    torch.manual_seed(0)
    network = Hetherly(HetherlyConfig(layers=2, limit=16))
    x = torch.randn(2, 1, 256)
    network(x)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    assert state["middle.1.running_mean"].any()
    network.eval()(x)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
