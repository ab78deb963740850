"""The methods under test: models, and baselines, which restore one excerpt at a time."""

from dataclasses import dataclass
from typing import Protocol

from aliquot.audio import Waveform
from aliquot.baselines import copy_up, noise_fill, oracle, spline, tilt_for
from aliquot.tasks import Task

RAW = ":raw"
"""After a model's name: all that it returns counts, not only its high band."""


class Restore(Protocol):
    """A method under test: a degraded recording in, a restored one out."""

    def __call__(
        self, samples: Waveform, sample_rate: int, cutoff_hz: float | None, output_rate: int
    ) -> tuple[Waveform, float | None]:
        """Restore.

        Args:
            samples: ``(channels, samples)``, degraded.
            sample_rate: In Hz.
            cutoff_hz: The true cut-off, or None if it has to be found.
            output_rate: Rate of the result, in Hz.

        Returns:
            ``(channels, samples)`` at ``output_rate``, and the cut-off it worked with, if known.
        """
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """One excerpt and what became of it.

    Attributes:
        original: ``(channels, samples)`` at the task's output rate.
        degraded: ``(channels, samples)`` at the task's input rate.
        given: ``degraded`` at the output rate: the ``degraded`` baseline.
    """

    original: Waveform
    degraded: Waveform
    given: Waveform


def model_restorer(name: str, threads: int = 1) -> Restore:
    """The method that a release or an ``.onnx`` file is; of ``NAME:raw`` all it returns counts."""
    from aliquot import api

    raw = name.endswith(RAW)

    def restore(
        samples: Waveform, sample_rate: int, cutoff_hz: float | None, output_rate: int
    ) -> tuple[Waveform, float | None]:
        restored = api.restore(
            samples,
            sample_rate,
            cutoff_hz=cutoff_hz,
            output_rate=output_rate,
            model=name.removesuffix(RAW),
            raw=raw,
            threads=threads,
        )
        return restored.samples, restored.report.cutoff_hz

    return restore


def restore_by_baseline(
    name: str, piece: Piece, task: Task, cutoff_hz: float, seed: int
) -> Waveform:
    """What a baseline makes of an excerpt, ``(channels, samples)`` at the output rate."""
    rate = task.output_rate
    if name == "spline":
        return spline(piece.degraded, task.input_rate, rate, cutoff_hz)
    if name == "noise-fill":
        return noise_fill(piece.given, rate, cutoff_hz, tilt_for(task.name, cutoff_hz), seed)
    if name == "copy-up":
        return copy_up(piece.given, rate, cutoff_hz, tilt_for(task.name, cutoff_hz))
    if name == "oracle":
        return oracle(piece.given, piece.original, rate, cutoff_hz, seed)
    return piece.given
