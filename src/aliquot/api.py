"""The public functions: arrays and files in, restored arrays and files out."""

import time
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import estimate_bandwidth
from aliquot.engine import load_enhancer
from aliquot.errors import InputError
from aliquot.files import restore_file
from aliquot.options import FileOptions
from aliquot.pipeline import Restorer, check_rates
from aliquot.predictor import Processing, check_cutoff
from aliquot.report import Report
from aliquot.verdict import doubts, restorable

__all__ = ["FileOptions", "Restored", "load_enhancer", "restore", "restore_file"]


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored piece of sound.

    Attributes:
        samples: ``(channels, samples)`` float32; may exceed full scale.
        sample_rate: In Hz.
        report: What was found and added.
    """

    samples: Waveform
    sample_rate: int
    report: Report


def restore(  # noqa: PLR0913 - each is a separate choice of the caller
    samples: Waveform,
    sample_rate: int,
    *,
    cutoff_hz: float | None = None,
    output_rate: int | None = None,
    strength: float = 1.0,
    model: str = "default",
    only_high: bool = False,
    raw: bool = False,
    threads: int = 2,
) -> Restored:
    """Restore the missing high band of a piece of sound.

    Args:
        samples: ``(channels, samples)`` or ``(samples,)``, floating point, full scale 1.0.
        sample_rate: In Hz, 4,000 to 768,000.
        cutoff_hz: Where its own sound ends; None measures it.
        output_rate: In Hz; None keeps rates from 44.1 kHz on and raises lower ones to 44.1 or 48.
        strength: Gain of the added band, 0 to 1.5.
        model: A release, an alias or an ``.onnx`` file.
        only_high: Return what would be added instead of the sum.
        raw: Take all that a waveform model returns, its version of the given band included.
        threads: Windows worked on at a time; the result does not depend on it.

    Returns:
        ``round(samples * output_rate / sample_rate)`` samples with a report. Below the cut-off
        less a guard they are the given ones.

    Raises:
        InputError: If the samples are not such an array, or their rate cannot be restored.
        ConfigError: If an option is out of its range.
        ModelError: If the model is unknown or damaged.
    """
    began = time.monotonic()
    waves = _waveform(samples)
    kind, confidence, warnings = "given", 1.0, tuple[str, ...]()
    processing = Processing(strength=strength, only_high=only_high, raw=raw, threads=threads)
    check_rates(sample_rate, output_rate)
    if cutoff_hz is not None:
        check_cutoff(load_enhancer(model, raw=raw), cutoff_hz, sample_rate)
    band = estimate_bandwidth(waves, sample_rate)
    if cutoff_hz is not None:
        cutoff = band.told(cutoff_hz)
    else:
        kind = "full-band" if band.full_band else "band-limited"
        confidence = band.confidence
        warnings = doubts(band)
        cutoff = band.segments if restorable(band) else ()
    restorer = Restorer(
        sample_rate,
        waves.shape[0],
        cutoff,
        model=model,
        output_rate=output_rate,
        processing=processing,
    )
    with closing(restorer):
        parts = [restorer.process(waves), restorer.flush()]
    report = replace(
        restorer.report,
        kind=kind,
        confidence=confidence,
        warnings=warnings,
        elapsed_seconds=time.monotonic() - began,
    )
    return Restored(np.concatenate(parts, axis=1), restorer.output_rate, report)


def _waveform(samples: Waveform) -> Waveform:
    waves = np.asarray(samples)
    if waves.ndim == 1:
        waves = waves[None]
    if waves.ndim != 2 or not np.issubdtype(waves.dtype, np.floating):
        raise InputError(
            f"samples must be (channels, samples) floating point, got shape {waves.shape} "
            f"{waves.dtype}; divide integers by their full scale"
        )
    if not 1 <= waves.shape[0] <= 8:
        raise InputError(
            f"samples must have 1 to 8 channels, got {waves.shape[0]}; the shape is "
            "(channels, samples), so transpose (samples, channels) first"
        )
    return np.ascontiguousarray(waves, dtype=np.float32)
