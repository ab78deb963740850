import torch

from aliquot.models.layers import Block, Styles


def test_a_unit_is_dropped_for_a_whole_example_and_only_while_training() -> None:
    """Frames that are equal stay equal; examples that are equal do not."""
    torch.manual_seed(3)
    block = Block(8, 3, 1, 3, 0.5).train()
    x = torch.randn(1, 1, 8).expand(2, 20, 8)
    unstyled = torch.zeros(2, 1, 16)
    first, second = block(x, unstyled)[:, 1:-1]  # at the ends the kernel meets zeros
    assert (first[:1] - first).abs().max() < 1e-6
    assert (first - second).abs().max() > 1e-2
    block.eval()
    first, second = block(x, unstyled)[:, 1:-1]
    torch.testing.assert_close(first, second)


def test_a_style_scales_and_shifts_what_a_block_has_normalised() -> None:
    """A style that undoes the norm's own weights is a block without them."""
    torch.manual_seed(4)
    block = Block(8, 3, 1, 3, 0.0).eval()
    x = torch.randn(2, 20, 8)
    style = torch.randn(2, 1, 16)
    with torch.no_grad():
        found = block(x, style)
        block.norm.weight.copy_(1 + style[1, 0, :8])
        block.norm.bias.copy_(style[1, 0, 8:])
        wanted = block(x, torch.zeros(2, 1, 16))
    torch.testing.assert_close(found[1], wanted[1])
    assert (found[0] - wanted[0]).abs().max() > 0.1


def test_an_untrained_style_changes_nothing_and_a_trained_one_is_of_the_recording() -> None:
    torch.manual_seed(5)
    styles = Styles(3, 4, 6)
    known = torch.randn(2, 3)
    assert not styles(known).any()
    torch.nn.init.normal_(styles.leave.weight)
    one, other = styles(known)
    assert (one - other).abs().max() > 0.1
