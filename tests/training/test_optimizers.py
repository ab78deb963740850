import copy

import pytest
import torch
from torch import nn
from torch.optim import Muon

from aliquot.training.optimizers import FloatMuon, orthogonal


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_a_matrix_becomes_nearly_orthogonal_and_keeps_its_directions(
    shape: tuple[int, int],
) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, singular, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix)
    assert found.dtype == torch.float32
    turned = u.T @ found @ v.T  # diagonal: the singular vectors are those of the matrix
    assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-4)
    kept = turned.diagonal()[singular > 0.05 * singular[0]]
    assert 0.6 < kept.min() <= kept.max() < 1.3


def test_it_moves_weights_as_pytorch_s_own_does() -> None:
    torch.manual_seed(1)
    ours = nn.ModuleList([nn.Linear(24, 10, bias=False), nn.Linear(10, 24, bias=False)])
    theirs = copy.deepcopy(ours)
    words = {"lr": 1e-2, "weight_decay": 0.05}
    mine = FloatMuon(ours.parameters(), **words)
    reference = Muon(theirs.parameters(), adjust_lr_fn="match_rms_adamw", **words)
    for seed in range(8):
        for network, optimizer in ((ours, mine), (theirs, reference)):
            x = torch.randn((16, 24), generator=torch.Generator().manual_seed(seed))
            optimizer.zero_grad()
            (network[1](network[0](x)) - x.roll(1, 1)).square().mean().backward()
            optimizer.step()
    for mine_, theirs_ in zip(ours.parameters(), theirs.parameters(), strict=True):
        moved = (theirs_ - mine_).norm() / theirs_.norm()
        assert moved < 5e-3, "PyTorch's multiplies in bfloat16, which has three digits"
    before = mine.state_dict()["state"]
    assert {key for state in before.values() for key in state} == {"momentum_buffer"}


def test_a_matrix_without_a_gradient_stays() -> None:
    layer = nn.Linear(3, 3, bias=False)
    before = layer.weight.detach().clone()
    FloatMuon(layer.parameters(), 1.0, weight_decay=0.5).step()
    assert torch.equal(layer.weight, before)
