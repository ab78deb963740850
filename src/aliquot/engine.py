"""From an ONNX file to an enhancer; the only module that knows onnxruntime."""

import math
import os
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aliquot import weights
from aliquot.audio import Waveform
from aliquot.dsp.chunking import Known
from aliquot.dsp.frames import Frames
from aliquot.dsp.noise import noise_frames
from aliquot.dsp.stereo import from_mid_side, to_mid_side
from aliquot.dsp.stft import istft
from aliquot.errors import ConfigError, ModelError
from aliquot.waveform import FACTS, WaveformEnhancer


class Enhancer(Protocol):
    """What the pipeline asks of a model: a window in, the high band of its core out.

    Attributes:
        name: Of the release or file.
        rates: Sample rates it works at, in Hz.
        hop: Windows start on multiples of it.
        context: Samples it must see on both sides of a core.
        cutoff_range_hz: Lowest and highest cut-off it was made for.
    """

    @property
    def name(self) -> str:
        """Of the release or file."""

    @property
    def rates(self) -> tuple[int, ...]:
        """Sample rates it works at, in Hz."""

    @property
    def hop(self) -> int:
        """Windows start on multiples of it."""

    @property
    def context(self) -> int:
        """Samples it must see on both sides of a core."""

    @property
    def cutoff_range_hz(self) -> tuple[float, float]:
        """Lowest and highest cut-off it was made for, in Hz."""

    def __call__(self, window: Waveform, known: Known) -> Waveform:
        """Return the high band of a window's core.

        Args:
            window: ``(1 or 2, context + core + context)``.
            known: Its rate is one of ``rates``, its start a multiple of ``hop``.

        Returns:
            ``(1 or 2, core)``.
        """


LONG_TERM, FRAME = "long_term", "frame"
"""Inputs that a graph may lack: older releases see moments alone, and copy by fixed distances."""


class SpectralEnhancer:
    """A spectral model (see :mod:`aliquot.models.spectral`) behind the enhancer's face.

    The transform and its inverse stay outside the graph; a call runs on one thread and its result
    depends on no other call, so it does not matter how many run side by side.
    """

    def __init__(self, session: Any, name: str, facts: dict[str, str]) -> None:
        self.session = session
        self.name = name
        self.facts = facts
        self.window, self.hop = int(facts["window"]), int(facts["hop"])
        self.frames = int(facts["context_frames"])
        self.rates = tuple(int(rate) for rate in facts["rates"].split())
        low, high = (float(value) for value in facts["cutoff_range_hz"].split())
        self.cutoff_range_hz = (low, high)
        self.overlap = self.window // self.hop - 1
        self.transform = Frames(self.window, self.hop, 2 * self.context)
        self.inputs = {value.name for value in session.get_inputs()}
        # Releases 1 and 2 make what lies below the cut-off too: silence.
        self.guard_bins = float(facts["guard_bins"]) if "guard_bins" in facts else None

    @property
    def context(self) -> int:
        """Samples it must see on both sides of a core."""
        return (self.frames + self.overlap) * self.hop

    def __call__(self, window: Waveform, known: Known) -> Waveform:
        """Return the high band of a window's core; see :class:`Enhancer`."""
        if not np.any(window):
            return np.zeros((window.shape[0], window.shape[1] - 2 * self.context), np.float32)
        spectrum = self.transform(to_mid_side(window))
        inner = spectrum.shape[2] - 2 * self.frames
        cutoff_bin = known.cutoff_hz * self.window / known.sample_rate
        first = 0 if self.guard_bins is None else first_made(cutoff_bin, self.guard_bins)
        frame = known.start // self.hop
        noise = noise_frames(frame + self.frames, inner, self.window, self.hop, first)
        whole = known.long_term
        profile = whole.at(known.sample_rate, self.window) if whole else None
        high = self.run(spectrum[None], cutoff_bin, noise[None], frame, profile)[0]
        complex_high = np.zeros((2, inner, spectrum.shape[3]), np.complex64)
        complex_high.real[..., first:], complex_high.imag[..., first:] = high[:, 0], high[:, 1]
        rows = complex_high[: window.shape[0]]
        edge = self.overlap * self.hop
        if window.shape[0] == 1:
            return istft(rows, self.window, self.hop)[:, edge:-edge]
        if not np.any(rows[1]):
            middle = istft(rows[:1], self.window, self.hop)[:, edge:-edge]
            return np.repeat(middle, 2, axis=0)
        return from_mid_side(istft(rows, self.window, self.hop)[:, edge:-edge], 2)

    def run(
        self,
        spectrum: NDArray[np.float32],
        cutoff_bin: float,
        noise: NDArray[np.float32],
        frame: int,
        long_term: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Run the graph; shapes as in :class:`aliquot.models.spectral.Spectral`.

        ``frame`` is the number of the spectrum's first frame in the recording.
        """
        feed = {
            "spectrum": spectrum,
            "cutoff_bin": np.array([cutoff_bin], np.float32),
            "noise": noise,
        }
        if FRAME in self.inputs:  # a wave between bins comes back after four frames
            feed[FRAME] = np.array([frame % 4], np.float32)
        if LONG_TERM in self.inputs:
            unknown = np.zeros(self.window // 2 + 1, np.float32)
            feed[LONG_TERM] = (unknown if long_term is None else long_term)[None]
        result: NDArray[np.float32] = self.session.run(["high"], feed)[0]
        return result


def first_made(cutoff_bin: float, guard_bins: float) -> int:
    """A bin, a multiple of 16, below which a graph puts nothing.

    The fade-in begins half a guard below the cut-off; ``guard_bins`` is the smallest guard.

    >>> first_made(500.0, 23.2), first_made(120.0, 23.2), first_made(10.0, 23.2)
    (464, 96, 0)
    """
    begin = cutoff_bin - 0.5 * max(guard_bins, 0.1 * cutoff_bin)
    return max(0, 16 * int(begin // 16))


@lru_cache(maxsize=4)
def load_enhancer(
    model: str = "default", *, raw: bool = False
) -> SpectralEnhancer | WaveformEnhancer:
    """Load a model.

    Args:
        model: A release, an alias, or a path that ends in ``.onnx``.
        raw: Take all that a waveform model returns, its version of the given band included.

    Raises:
        ConfigError: If the raw result of a model is asked for that only makes high bands.
        ModelError: If it cannot be found, is damaged, or does not fit the graph contract.
    """
    content, name = weights.read(model)
    session = _session(content, name)
    facts = dict(session.get_modelmeta().custom_metadata_map)
    kind = facts.get("kind")
    if kind not in _CONTRACTS:
        raise ModelError(f"{name} lacks metadata (kind); make it with `aliquot export`")
    needed, inputs = _CONTRACTS[kind]
    if missing := needed - set(facts):
        raise ModelError(
            f"{name} lacks metadata ({', '.join(sorted(missing))}); make it with `aliquot export`"
        )
    names = {value.name for value in session.get_inputs()}
    if names - {LONG_TERM, FRAME} != inputs:
        raise ModelError(f"{name} has inputs {sorted(names)}; make it with `aliquot export`")
    if kind == "waveform":
        return WaveformEnhancer(session, name, facts, raw)
    if raw:
        raise ConfigError(f"{name} makes high bands only and has no raw result; leave --raw out")
    return SpectralEnhancer(session, name, facts)


_CONTRACTS: dict[str, tuple[frozenset[str], set[str]]] = {
    "spectral": (
        frozenset({"window", "hop", "context_frames", "rates", "cutoff_range_hz"}),
        {"spectrum", "cutoff_bin", "noise"},
    ),
    "waveform": (FACTS, {"waveform"}),
}
"""Of each kind of model: metadata and inputs."""


def _session(content: bytes, name: str) -> Any:
    # Its newer builds report to their makers unless they are told not to, before they are loaded:
    # https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The C library's heap, which Python's arrays come from as well, splinters when two threads take
    # and free some megabytes each: the peak is up to a half higher (decision 28).
    options.enable_cpu_mem_arena = True
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base
        raise ModelError(f"{name} is not a usable ONNX model: {error}") from error


def model_rate(enhancer: Enhancer, output_rate: int) -> int:
    """The model's rate for an output rate: of the same family where there is one.

    44.1 kHz and its multiples are restored on a 44.1 kHz grid, everything else at 48 kHz, so the
    usual recordings are not resampled at all and are filled to their own Nyquist frequency.
    """
    if output_rate in enhancer.rates:
        return output_rate
    related = [rate for rate in enhancer.rates if math.gcd(rate, output_rate) >= 11_025]
    return related[0] if output_rate % 11_025 == 0 and related else max(enhancer.rates)
