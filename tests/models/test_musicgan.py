import torch

from aliquot.models.audiounet import AudioUNet, AudioUNetConfig
from aliquot.models.musicgan import NARROW, MusicGan, MusicGanConfig


def parameters(network: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in network.parameters())


def test_parameters() -> None:
    with torch.device("meta"):
        assert parameters(MusicGan(MusicGanConfig())) == 42_696_066
        assert parameters(MusicGan(MusicGanConfig(layers=8))) == 71_013_762
        assert parameters(MusicGan(NARROW)) == 1_087_185


def test_blocks_have_audiounets_widths() -> None:
    with torch.device("meta"):
        mine, theirs = MusicGan(MusicGanConfig()), AudioUNet(AudioUNetConfig())
    for one, other in zip(mine.down, theirs.down, strict=True):
        assert one[0].weight.shape == other[0].weight.shape
    for one, other in zip(mine.up, theirs.up, strict=True):
        assert one[0].out_channels == other[0].out_channels
    assert mine.context == theirs.context


def test_the_output_of_block_b_is_added_to_that_of_block_b_from_the_end() -> None:
    """With the way up silenced, the last layer hears the first block alone."""
    torch.manual_seed(0)
    network = MusicGan(MusicGanConfig(layers=2, width=0.05)).eval()
    for parameter in network.up.parameters():
        torch.nn.init.zeros_(parameter)
    given = network.spline(torch.randn(1, 1, 256))
    first = network.down[0](given)
    with torch.no_grad():
        pairs = network.last(first)
    expected = torch.stack([pairs[0, 0], pairs[0, 1]], dim=1).flatten()
    torch.testing.assert_close(network.band(given)[0, 0], expected)


def test_both_count_alike() -> None:
    network = MusicGan(MusicGanConfig(layers=1, width=0.01))
    y, skip = torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0])
    assert network.join(y, skip).tolist() == [11, 22]
