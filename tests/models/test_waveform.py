"""Properties that the three founding networks share."""

import copy
import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.interpolate import CubicSpline

from aliquot.models.audiounet import AudioUNet, AudioUNetConfig
from aliquot.models.convolution import LongConv
from aliquot.models.hetherly import Hetherly, HetherlyConfig
from aliquot.models.musicgan import MusicGan, MusicGanConfig
from aliquot.models.waveform import (
    Kernels,
    Spline,
    SubPixel,
    WaveformModel,
    receptive_field,
    spline_kernel,
    subpixel,
)

BUILDERS: dict[str, Callable[[], WaveformModel]] = {
    "audiounet": lambda: AudioUNet(AudioUNetConfig(factor=6, layers=2, width=0.04, dropout=0.3)),
    "hetherly": lambda: Hetherly(HetherlyConfig(factor=2, layers=3, first=4, limit=16)),
    "musicgan": lambda: MusicGan(MusicGanConfig(factor=4, layers=3, width=0.03)),
}


@pytest.fixture(params=BUILDERS)
def network(request: pytest.FixtureRequest) -> WaveformModel:
    """Untrained, but with a last layer that is heard and a batch norm that has seen something."""
    torch.manual_seed(0)
    network = BUILDERS[request.param]()
    torch.nn.init.normal_(network.last.weight, std=0.3)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 2.0)
    return network.eval()


def waves(batch: int, channels: int, samples: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.3 * torch.randn((batch, channels, samples), generator=generator)


def restored(network: WaveformModel, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network(x)


def up(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def test_a_subpixel_shuffle_interleaves_neighbouring_channels() -> None:
    assert subpixel(torch.tensor([[[0, 2], [1, 3]]]), 2).tolist() == [[[0, 1, 2, 3]]]
    four = torch.tensor([[[0, 2], [1, 3], [10, 12], [11, 13]]])
    assert SubPixel()(four).tolist() == [[[0, 1, 2, 3], [10, 11, 12, 13]]]
    assert subpixel(four, 4).tolist() == [[[0, 1, 10, 11, 2, 3, 12, 13]]]
    two = torch.cat([four, four + 100])
    assert subpixel(two, 2)[1].tolist() == [[100, 101, 102, 103], [110, 111, 112, 113]]


@pytest.mark.parametrize("factor", [2, 3, 4, 6])
def test_the_spline_is_scipys(factor: int) -> None:
    low = np.random.default_rng(0).standard_normal(200)
    x = np.random.default_rng(1).standard_normal(200 * factor)  # between the kept: not looked at
    x[::factor] = low
    time = np.arange(200 * factor) / factor
    found = Spline(factor)(torch.from_numpy(x).float()[None, None])[0, 0].numpy()
    inner = slice(12 * factor, -13 * factor)
    for ends in ("not-a-knot", "natural"):
        expected = CubicSpline(np.arange(200), low, bc_type=ends)(time)
        assert np.abs(found - expected)[inner].max() < 1e-6 * np.abs(low).max()
    np.testing.assert_allclose(found[::factor], low, atol=1e-6)


def test_the_spline_of_a_constant_is_constant_to_the_very_ends() -> None:
    assert spline_kernel(4).sum(2).flatten().tolist() == pytest.approx([1.0] * 4, abs=1e-6)
    found = Spline(4)(torch.full((1, 1, 96), 0.7))
    torch.testing.assert_close(found, torch.full((1, 1, 96), 0.7))


def test_the_spline_continues_a_signal_by_reflection() -> None:
    low = waves(1, 1, 40)
    mirrored = torch.cat([low[..., 1:].flip(2), low], dim=2)
    alone = Spline(4)(low.repeat_interleave(4, dim=2))
    whole = Spline(4)(mirrored.repeat_interleave(4, dim=2))
    torch.testing.assert_close(alone[..., :64], whole[..., 39 * 4 : 39 * 4 + 64])


def test_the_receptive_field_by_hand() -> None:
    """One block of length 5, middle 3, up 3, last 3, on a spline of factor 2 that reaches 12.

    Back: 2 (block) + 2 (middle) + 4 + 2 (up, shuffle) + 2 + 1 (last, shuffle) + 2 * 12 + 1.
    Ahead: 2 + 2 + 4 + 2 + 2 * 13.
    """
    assert receptive_field(Kernels((5,), 3, (3,), 3), 2) == (13 + 25, 10 + 26)


def test_the_result_has_the_shape_of_the_input_and_channels_are_apart(
    network: WaveformModel,
) -> None:
    samples = up(300, network.multiple)
    x = waves(2, 3, samples)
    out = restored(network, x)
    assert out.shape == x.shape
    torch.testing.assert_close(out[1, 2], restored(network, x[1:, 2:])[0, 0])
    swapped = restored(network, x[:, [1, 0, 2]])
    torch.testing.assert_close(swapped[:, [1, 0, 2]], out)


def test_a_length_that_does_not_fit_is_refused(network: WaveformModel) -> None:
    with pytest.raises(ValueError, match=f"multiple of {network.multiple} and at least"):
        network(waves(1, 1, 20 * network.multiple + network.factor))
    with pytest.raises(ValueError, match="at least"):
        network(waves(1, 1, 0))


def test_a_silenced_last_layer_leaves_the_spline(network: WaveformModel) -> None:
    network = copy.deepcopy(network)
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.zeros_(network.last.bias)
    x = waves(1, 2, up(300, network.multiple))
    spline = Spline(network.factor)(x.reshape(2, 1, -1)).reshape(x.shape)
    torch.testing.assert_close(restored(network, x), spline)


def test_nothing_is_heard_between_the_samples_that_are_kept(network: WaveformModel) -> None:
    x = waves(1, 1, up(300, network.multiple))
    other = waves(1, 1, x.shape[2], seed=2)
    other[..., :: network.factor] = x[..., :: network.factor]
    torch.testing.assert_close(restored(network, other), restored(network, x))


def test_a_later_window_gives_the_same_samples(network: WaveformModel) -> None:
    """Shifted by the total stride, away from the ends by the context."""
    shift, edge = 3 * network.multiple, up(network.context, network.multiple)
    x = waves(1, 1, 3 * edge + shift)
    whole, later = restored(network, x), restored(network, x[..., shift:])
    inner = slice(edge, -edge)
    torch.testing.assert_close(
        later[..., inner], whole[..., shift:][..., inner], atol=1e-5, rtol=1e-5
    )
    odd = restored(network, x[..., 1 : 1 + later.shape[2]])
    away = (odd[..., inner] - whole[..., 1 : 1 + later.shape[2]][..., inner]).abs().max()
    assert away > 1e-2  # the grid matters, so the test above says something


def test_a_sample_depends_on_its_context_and_no_further(
    network: WaveformModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient reaches to the context and not beyond, from every place in the grid.

    With plain convolutions: FFTs leave rounding errors where nothing is heard.
    """
    monkeypatch.setattr(LongConv, "forward", torch.nn.Conv1d.forward)
    network = copy.deepcopy(network).double()
    edge = up(network.context + 1, network.multiple)
    furthest = 0
    for place in range(edge, edge + network.multiple):
        x = waves(1, 1, 2 * edge + network.multiple).double().requires_grad_()
        network(x)[0, 0, place].backward()
        assert x.grad is not None
        heard = x.grad[0, 0].nonzero()[:, 0]
        furthest = max(furthest, place - int(heard[0]), int(heard[-1]) - place)
    assert network.context - network.factor <= furthest <= network.context


def export(network: WaveformModel, samples: int, path: Path) -> onnxruntime.InferenceSession:
    """Traced with ``samples`` samples of one channel; every axis may change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter of static graphs is deprecated
        torch.onnx.export(
            network,
            (waves(1, 1, samples),),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["waveform"],
            output_names=["restored"],
            dynamic_axes={
                name: {0: "batch", 1: "channels", 2: "samples"} for name in ("waveform", "restored")
            },
        )
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_onnx_agrees_at_another_length(network: WaveformModel, tmp_path: Path) -> None:
    samples = up(300, network.multiple)
    session = export(network, samples, tmp_path / "network.onnx")
    for shape in ((1, 1, samples), (2, 2, samples + 5 * network.multiple)):
        x = waves(*shape)
        expected = restored(network, x).numpy()
        found = session.run(None, {"waveform": x.numpy()})[0]
        assert found.shape == shape
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_onnx_agrees_with_a_modulated_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = AudioUNet(AudioUNetConfig(layers=2, width=0.04, film=True)).eval()
    torch.nn.init.normal_(network.last.weight, std=0.3)
    for name, parameter in network.named_parameters():
        if "affine" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    session = export(network, 512, tmp_path / "network.onnx")
    x = waves(2, 2, 1280)
    expected = restored(network, x).numpy()
    found = session.run(None, {"waveform": x.numpy()})[0]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", BUILDERS)
def test_an_untrained_network_is_nearly_the_spline(name: str) -> None:
    torch.manual_seed(0)
    network = BUILDERS[name]().eval()
    x = waves(1, 1, up(600, network.multiple))
    spline = Spline(network.factor)(x)
    assert 0 < (restored(network, x) - spline).abs().max() < 0.02 * spline.abs().max()


@pytest.mark.parametrize("name", BUILDERS)
def test_a_small_network_learns_one_batch_by_heart(name: str) -> None:
    torch.manual_seed(0)
    network = {
        "audiounet": AudioUNet(AudioUNetConfig(layers=2, width=0.06, dropout=0.0)),
        "hetherly": Hetherly(HetherlyConfig(layers=3, limit=32)),
        "musicgan": MusicGan(MusicGanConfig(layers=2, width=0.06)),
    }[name]
    turns = 2 * math.pi * torch.arange(384) / 48_000
    low = torch.sin(turns * torch.tensor([1_500.0, 2_300.0])[:, None, None])
    original = low + 0.3 * torch.sin(turns * 12_000 + torch.tensor([0.0, 2.0])[:, None, None])
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        loss = (network(low) - original).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-5:]) < losses[0] / 10
