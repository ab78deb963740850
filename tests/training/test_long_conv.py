"""Block convolution equals PyTorch's own, value and gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional as fn

from aliquot.models.audiounet import NARROW, AudioUNet
from aliquot.models.convolution import LongConv


@pytest.mark.parametrize("taps", [17, 18, 33, 65])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("samples", [34, 200, 1000])
@pytest.mark.parametrize("bias", [True, False])
def test_equals_the_plain_convolution(taps: int, stride: int, samples: int, bias: bool) -> None:
    layer = LongConv(3, 5, taps, stride=stride, padding=(taps - 1) // 2, bias=bias).double()
    torch.manual_seed(taps + samples)
    x = torch.randn(2, 3, samples, dtype=torch.float64, requires_grad=True)
    found, plain = layer(x), nn.Conv1d.forward(layer, x)
    torch.testing.assert_close(found, plain)
    weights = torch.randn_like(plain)
    wanted = [x, *layer.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), wanted),
        torch.autograd.grad((plain * weights).sum(), wanted),
    )


def test_a_network_of_long_filters_learns_the_same_either_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(1)
    network = AudioUNet(NARROW).eval()
    nn.init.normal_(network.last.weight, std=0.1)
    x = torch.randn(1, 1, 2048)

    def gradients() -> list[torch.Tensor]:
        network.zero_grad()
        fn.mse_loss(network(x), torch.zeros_like(x)).backward()
        return [p.grad.clone() for p in network.parameters() if p.grad is not None]

    fast = gradients()
    monkeypatch.setattr(LongConv, "forward", nn.Conv1d.forward)
    plain = gradients()
    assert len(fast) == len(list(network.parameters()))
    for mine, theirs in zip(fast, plain, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5 * float(theirs.abs().max()))
