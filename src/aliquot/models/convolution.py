"""Convolutions with the long filters of the waveform networks, fast on a CPU."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


class LongConv(nn.Conv1d):
    """A convolution with a long filter, on a CPU by FFTs of short blocks (overlap-save).

    PyTorch's own CPU kernels take each tap in turn; at 65 taps blocks are 14 times as fast, forward
    and backward, and equal to 1e-5 of the output's peak. On a GPU and in an exported graph it is
    the plain convolution. Padding is half the filter, the stride 1 or 2.

    Shape: ``(batch, inputs, samples)`` to ``(batch, outputs, samples / stride)``; ``samples`` a
    multiple of the stride.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution; see the class for shapes."""
        if x.device.type != "cpu" or torch.onnx.is_in_onnx_export():
            return super().forward(x)
        weight, before = self.weight, (self.kernel_size[0] - 1) // 2
        samples = (x.shape[2] + 2 * before - weight.shape[2]) // self.stride[0] + 1
        if self.stride[0] == 2:
            # Even and odd samples are two signals, each convolved with its half of the filter.
            odd = before % 2
            x = halves(fn.pad(x, (odd, odd)))
            weight = halves(fn.pad(weight, (0, weight.shape[2] % 2)))
            before //= 2
        y: Tensor = BlockConvolution.apply(x, weight, before, samples)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias[:, None]


def halves(x: Tensor) -> Tensor:
    """Even and odd samples as channels, ``(batch, c, 2n)`` to ``(batch, 2c, n)``."""
    return x.reshape(*x.shape[:2], -1, 2).transpose(2, 3).flatten(1, 2)


class BlockConvolution(torch.autograd.Function):
    """Cross-correlation by overlap-save (Oppenheim and Schafer, section 8.7.3), and its gradient.

    The gradient is written out because PyTorch's own of a real FFT goes through a complex one of
    the whole length, which was measured to take a quarter of a training step.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, before: int, samples: int) -> Tensor:
        """Correlate.

        Args:
            ctx: What the gradient will need.
            x: ``(batch, inputs, n)``.
            weight: ``(outputs, inputs, taps)``.
            before: Zeros before the first sample.
            samples: How many to compute.

        Returns:
            ``(batch, outputs, samples)``.
        """
        outputs, _, taps = weight.shape
        size = 4 * (taps - 1)  # a quarter of each block is lost to the overlap
        hop = size - taps + 1
        blocks = -(-samples // hop)
        padded = fn.pad(x, (before, blocks * hop + taps - 1 - before - x.shape[2]))
        spectra = torch.fft.rfft(padded.unfold(2, size, hop), dim=3)
        rows = spectra.permute(3, 0, 2, 1).flatten(1, 2)  # (bins, batch * blocks, inputs)
        filters = torch.fft.rfft(weight.flip(2), n=size, dim=2).permute(2, 1, 0)
        product = torch.bmm(rows, filters).reshape(rows.shape[0], -1, blocks, outputs)
        y = torch.fft.irfft(product.permute(1, 3, 2, 0), n=size, dim=3)[..., taps - 1 :]
        ctx.save_for_backward(rows, filters)
        ctx.sizes = x.shape[2], taps, before, samples
        correlated: Tensor = y.reshape(-1, outputs, blocks * hop)[:, :, :samples]
        return correlated.contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Gradients for the signal and the filters."""
        rows, filters = ctx.saved_tensors
        length, taps, before, samples = ctx.sizes
        size = 4 * (taps - 1)
        hop = size - taps + 1
        blocks = -(-samples // hop)
        y = fn.pad(gradients[0], (0, blocks * hop - samples))
        y = fn.pad(y.reshape(*y.shape[:2], blocks, hop), (taps - 1, 0))
        spectra = torch.fft.rfft(y, dim=3)
        errors = spectra.permute(3, 0, 2, 1).flatten(1, 2)  # (bins, batch * blocks, outputs)
        weight = torch.fft.irfft(torch.bmm(rows.mH, errors), n=size, dim=0)[:taps]
        x = torch.bmm(errors, filters.mH)
        x = x.reshape(x.shape[0], -1, blocks, x.shape[2])
        x = torch.fft.irfft(x.permute(1, 3, 2, 0), n=size, dim=3)
        # Each block reaches into the next one's first samples.
        whole = fn.pad(x[..., :hop].flatten(2), (0, taps - 1))
        late = fn.pad(x[..., hop:], (0, hop - taps + 1))
        whole[:, :, hop:] += late.flatten(2)[:, :, : blocks * hop + taps - 1 - hop]
        x = fn.pad(whole, (-before, before + length - whole.shape[2]))
        return x, weight.permute(2, 1, 0).flip(2), None, None


LONG = 17
"""Filters of as many taps are worth a :class:`LongConv`."""


def conv(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, bias: bool = True
) -> nn.Conv1d:
    """A convolution that keeps the length, or halves it with a ``stride`` of 2.

    It starts as in AudioUNet's code: orthogonal, without bias.
    """
    padding = (kernel - 1) // 2
    kind = LongConv if kernel >= LONG else nn.Conv1d
    layer = kind(inputs, outputs, kernel, stride=stride, padding=padding, bias=bias)
    nn.init.orthogonal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
