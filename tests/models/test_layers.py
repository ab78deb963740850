import torch

from aliquot.models.layers import Block


def test_a_unit_is_dropped_for_a_whole_example_and_only_while_training() -> None:
    """Frames that are equal stay equal; examples that are equal do not."""
    torch.manual_seed(3)
    block = Block(8, 3, 1, 3, 0.5).train()
    x = torch.randn(1, 1, 8).expand(2, 20, 8)
    first, second = block(x)[:, 1:-1]  # at the ends the kernel meets zeros
    assert (first[:1] - first).abs().max() < 1e-6
    assert (first - second).abs().max() > 1e-2
    block.eval()
    first, second = block(x)[:, 1:-1]
    torch.testing.assert_close(first, second)
