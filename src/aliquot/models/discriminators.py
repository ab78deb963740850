"""What tells restored music from originals while a generator is trained.

Two views of a waveform, each seen at several resolutions:

- :class:`ScaleDiscriminator`, on samples: grouped strided convolutions with wide filters, on the
  waveform and on coarser ones, made by averaging (Kumar et al., "MelGAN", 2019, section 2.2);
- :class:`SpectrogramDiscriminator`, on "a spectrogram which displays the sound intensity in
  decibels", as the founding paper encodes music, with several windows (Jang et al., "UnivNet",
  2021, section 2.2).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as fn
from torch.nn.utils.parametrizations import weight_norm

RANGE_DB = 100.0
"""What lies this far below a full-scale sine is silence."""
CONTRAST, MIDDLE = 10.0, 0.3
"""Levels are judged in steps of 10 dB about -70 dB, where treble lies."""
LOUDNESS = 10.0
"""Gain before waveforms are judged: music has an rms of a tenth, and critics learn from the first
steps on only from numbers near one."""


class Judgement(NamedTuple):
    """What discriminators make of a batch.

    Attributes:
        scores: One tensor per discriminator, ``(batch, ...)``; higher is more like an original.
        features: For each discriminator, what each of its layers has seen.
    """

    scores: list[Tensor]
    features: list[list[Tensor]]


@dataclass(frozen=True, slots=True)
class DiscriminatorConfig:
    """Everything needed to rebuild the discriminators, and nothing else.

    Attributes:
        width: Channels of the first layer on samples; MelGAN's are 16. Twice as many of all
            layers on spectrograms; UnivNet's are 32.
        scales: Waveforms looked at, each with half the rate of the one before; 0 for none.
        windows: Samples of an STFT frame of each spectrogram; empty for none.
    """

    width: int = 16
    scales: int = 3
    windows: tuple[int, ...] = (512, 1024, 2048)

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        if not self.scales and not self.windows:
            raise ValueError("there must be at least one scale or one window")


NARROW = DiscriminatorConfig(width=4)
"""1.3 million parameters: trains on two CPU cores."""


def decibels(waves: Tensor, window: int) -> Tensor:
    """Level of each bin, from 0 at -100 dB to 1 for a sine at full scale.

    Args:
        waves: ``(batch, samples)``, at least ``window`` samples.
        window: Samples of a periodic-Hann frame; frames are a quarter of it apart.

    Returns:
        ``(batch, frames, bins)``.
    """
    taper = torch.hann_window(window, device=waves.device)
    spectrum = torch.stft(
        waves, window, window // 4, window=taper, center=False, return_complex=True
    )
    power = torch.view_as_real(spectrum).square().sum(dim=-1) * (4 / window) ** 2
    floor = 10 ** (-RANGE_DB / 10)
    return (1 + 10 / RANGE_DB * torch.log10(power + floor)).transpose(1, 2)


class Critic(nn.Module):
    """A stack of convolutions that keeps what each has seen; the last gives the scores."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)

    def judge(self, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores and features of one view of the sound."""
        features = []
        for layer in self.layers[:-1]:
            y = fn.leaky_relu(layer(y), 0.2)
            features.append(y)
        return self.layers[-1](y), features


class ScaleDiscriminator(Critic):
    """Judge a waveform. Shape: ``(batch, samples)`` to scores ``(batch, 1, samples / 256)``.

    Args:
        width: Channels of the first layer; the widest has 64 times as many.
        halvings: How many times the rate is halved first.
    """

    def __init__(self, width: int, halvings: int) -> None:
        widths = [width, 4 * width, 16 * width, 64 * width, 64 * width]
        layers: list[nn.Module] = [nn.Conv1d(1, width, 15, padding=7)]
        for inputs, outputs in pairwise(widths):
            groups = math.gcd(inputs, max(1, inputs // 4))
            layers.append(nn.Conv1d(inputs, outputs, 41, stride=4, padding=20, groups=groups))
        layers += [
            nn.Conv1d(widths[-1], widths[-1], 5, padding=2),
            nn.Conv1d(widths[-1], 1, 3, padding=1),
        ]
        super().__init__(layers)
        self.halvings = halvings

    def forward(self, waves: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores and features."""
        y = LOUDNESS * waves[:, None]
        for _ in range(self.halvings):
            y = fn.avg_pool1d(y, 4, 2, padding=1, count_include_pad=False)
        return self.judge(y)


class SpectrogramDiscriminator(Critic):
    """Judge a spectrogram in decibels.

    Shape: ``(batch, samples)`` to scores ``(batch, 1, frames, bins / 8)``.

    Args:
        width: Channels of all layers.
        window: Samples of an STFT frame.
    """

    def __init__(self, width: int, window: int) -> None:
        wide, stride = (3, 9), (1, 2)
        layers: list[nn.Module] = [nn.Conv2d(1, width, wide, padding=(1, 4))]
        layers += [nn.Conv2d(width, width, wide, stride=stride, padding=(1, 4)) for _ in range(3)]
        layers += [
            nn.Conv2d(width, width, 3, padding=1),
            nn.Conv2d(width, 1, 3, padding=1),
        ]
        super().__init__(layers)
        self.window = window

    def forward(self, waves: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return scores and features."""
        return self.judge(CONTRAST * (decibels(waves, self.window) - MIDDLE)[:, None])


class Discriminators(nn.Module):
    """All discriminators of a run.

    Shape: ``(batch, channels, samples)``, channels judged one by one, to a :class:`Judgement`
    whose tensors have ``batch * channels`` examples.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        scales = [ScaleDiscriminator(config.width, halvings) for halvings in range(config.scales)]
        spectra = [SpectrogramDiscriminator(2 * config.width, window) for window in config.windows]
        self.critics = nn.ModuleList([*scales, *spectra])

    def forward(self, waves: Tensor) -> Judgement:
        """Return the scores and features of all."""
        flat = waves.flatten(0, 1)
        found = [critic(flat) for critic in self.critics]
        return Judgement([scores for scores, _ in found], [features for _, features in found])
