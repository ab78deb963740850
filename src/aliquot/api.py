"""The public functions: arrays and files in, restored arrays and files out."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import aliquot
from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import Segment, estimate_bandwidth
from aliquot.engine import load_enhancer
from aliquot.errors import InputError
from aliquot.io.atomic import PendingFile, check_space, write_error
from aliquot.io.sound import (
    OutputFormat,
    SoundInfo,
    check_cell,
    check_target,
    nearest_rate,
    open_reader,
    open_writer,
    output_format,
)
from aliquot.io.tags import carry_tags, read_restored_mark
from aliquot.pipeline import Processing, Restorer, check_cutoff, default_output_rate
from aliquot.report import Report
from aliquot.verdict import Verdict, inspect

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


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How files are restored; None means the default of the format or recording.

    Attributes:
        model: A release, an alias or an ``.onnx`` file.
        cutoff_hz: Where the recording's own sound ends; None measures it.
        strength: Gain of the added band, 0 to 1.5.
        only_high: Write just what would be added.
        container: Of the result; see :func:`aliquot.io.formats.output_format`.
        bits: ``"16"``, ``"24"`` or ``"32f"``.
        bitrate_kbps: Of lossy results.
        output_rate: Of the result, in Hz.
        start_seconds: Where to begin.
        duration_seconds: How much to restore.
        block_seconds: Sound read at a time.
        threads: Windows worked on at a time.
        overwrite: Whether an existing result may be replaced; it is skipped otherwise.
        dry_run: Find out what would be done, and write nothing.
        keep_tags: Whether tags and covers are carried over.
    """

    model: str = "default"
    cutoff_hz: float | None = None
    strength: float = 1.0
    only_high: bool = False
    container: str | None = None
    bits: str | None = None
    bitrate_kbps: int | None = None
    output_rate: int | None = None
    start_seconds: float = 0.0
    duration_seconds: float | None = None
    block_seconds: float = 2.0
    threads: int = 2
    overwrite: bool = False
    dry_run: bool = False
    keep_tags: bool = True

    @property
    def converts(self) -> bool:
        """Whether the result is to differ from the recording even if nothing is restored."""
        asked = (self.container, self.bits, self.bitrate_kbps, self.output_rate)
        part = self.start_seconds > 0 or self.duration_seconds is not None
        return part or self.only_high or any(value is not None for value in asked)


def restore(  # noqa: PLR0913 - each is a separate choice of the caller
    samples: Waveform,
    sample_rate: int,
    *,
    cutoff_hz: float | None = None,
    output_rate: int | None = None,
    strength: float = 1.0,
    model: str = "default",
    only_high: bool = False,
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
        threads: Windows worked on at a time; the result does not depend on it.

    Returns:
        ``round(samples * output_rate / sample_rate)`` samples with a report. Below the cut-off
        less a guard they are the given ones.

    Raises:
        InputError: If the samples are not such an array.
        ConfigError: If an option is out of its range.
        ModelError: If the model is unknown or damaged.
    """
    began = time.monotonic()
    waves = _waveform(samples)
    kind, confidence, cutoff = "given", 1.0, _given(cutoff_hz)
    if cutoff is None:
        band = estimate_bandwidth(np.nan_to_num(waves, posinf=0.0, neginf=0.0), sample_rate)
        kind = "full-band" if band.full_band else "band-limited"
        confidence = band.confidence
        cutoff = () if band.full_band else band.segments
    processing = Processing(strength=strength, only_high=only_high, threads=threads)
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


def _given(cutoff_hz: float | None) -> tuple[Segment, ...] | None:
    return None if cutoff_hz is None else (Segment(0.0, float("inf"), float(cutoff_hz)),)


def restore_file(
    source: Path | str,
    target: Path | str | None = None,
    options: FileOptions = FileOptions(),
    progress: Callable[[float], None] | None = None,
    *,
    copy_target: Path | None = None,
) -> Report:
    """Restore a recording into a new file; the recording itself is never touched.

    Args:
        source: The recording.
        target: The result; None puts it beside the recording as ``NAME.restored.EXT``.
        options: What to make, and how.
        progress: Called with the part that is done, 0 to 1.
        copy_target: The result if there is nothing to restore and the file is copied as it is;
            None means the default name if ``target`` is None, else ``target``.

    Returns:
        What was found and done.

    Raises:
        InputError: If the recording cannot be read.
        OutputError: If the result cannot be written.
        ConfigError: If an option does not fit the recording.
        ModelError: If the model is unknown or damaged.
    """
    began = time.monotonic()
    source = Path(source)
    with open_reader(source) as reader:
        info = reader.info
    fmt = output_format(
        info, container=options.container, bits=options.bits, bitrate_kbps=options.bitrate_kbps
    )
    if target is None:
        target = source.with_name(f"{source.stem}.restored{fmt.extension}")
        copy_target = source.with_name(f"{source.stem}.restored{source.suffix}")
    target = Path(target)
    job = _Job(
        source, target, copy_target or target, info, fmt, options, progress or (lambda _: None)
    )
    report = job.run()
    return replace(report, source=str(source), elapsed_seconds=time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file on its way; all that its steps share."""

    source: Path
    target: Path
    copy_target: Path
    info: SoundInfo
    fmt: OutputFormat
    options: FileOptions
    progress: Callable[[float], None]

    @property
    def output_rate(self) -> int:
        asked = self.options.output_rate
        if asked is not None:
            return asked
        return nearest_rate(self.fmt.container, default_output_rate(self.info.sample_rate))

    def run(self) -> Report:
        options, info = self.options, self.info
        check_cell(self.fmt, self.output_rate, info.channels)
        if not options.overwrite:
            for path in {self.target, self.copy_target}:
                if path.exists() and not path.samefile(self.source):
                    return Report("skipped", target=str(path), sample_rate=info.sample_rate)
        if options.cutoff_hz is not None:
            check_cutoff(load_enhancer(options.model), options.cutoff_hz)
            verdict = None
        else:
            verdict = inspect(self.source)
        whole = verdict is not None and verdict.bandwidth.full_band
        copies = whole and not options.converts
        target = self.copy_target if copies else self.target
        if not options.dry_run:
            check_target(target, sources=[self.source], overwrite=options.overwrite)
        if options.dry_run or copies:
            report = self._unprocessed(verdict, target, copied=copies)
        else:
            report = self._process(verdict)
        mark = read_restored_mark(self.source)
        if mark is not None:
            note = f"this file was made by aliquot before ({mark})"
            report = replace(report, warnings=(*report.warnings, note))
        return replace(_judged(report, verdict), target=str(target))

    def _unprocessed(self, verdict: Verdict | None, target: Path, *, copied: bool) -> Report:
        info = self.info
        if copied and not self.options.dry_run:
            copy_whole(self.source, target, overwrite=self.options.overwrite)
        return Report(
            "planned" if self.options.dry_run else "copied",
            cutoff_hz=self.options.cutoff_hz if verdict is None else verdict.bandwidth.cutoff_hz,
            sample_rate=info.sample_rate,
            output_rate=info.sample_rate if copied else self.output_rate,
            channels=info.channels,
            samples_in=info.frames or 0,
            samples_out=info.frames or 0 if copied else 0,
        )

    def _process(self, verdict: Verdict | None) -> Report:
        options, info = self.options, self.info
        restorer = Restorer(
            info.sample_rate,
            info.channels,
            self._cutoffs(verdict),
            model=options.model,
            output_rate=self.output_rate,
            processing=Processing(
                strength=options.strength,
                only_high=options.only_high,
                headroom=not self.fmt.is_float,
                threads=options.threads,
            ),
        )
        tag_warnings: list[str] = []

        def finish(path: Path) -> None:
            tag_warnings.extend(
                carry_tags(
                    self.source,
                    path,
                    self.fmt.container,
                    self._note(restorer.report),
                    keep=options.keep_tags,
                )
            )

        with closing(restorer), open_reader(self.source) as reader:
            expected = self._expected_frames()
            writer = open_writer(
                self.target,
                self.fmt,
                restorer.output_rate,
                info.channels,
                expected_frames=expected,
                overwrite=options.overwrite,
                finish=finish,
            )
            block = max(1, round(options.block_seconds * info.sample_rate))
            with writer:
                for samples in reader.blocks(
                    block, options.start_seconds, options.duration_seconds
                ):
                    writer.write(restorer.process(samples))
                    if expected:
                        self.progress(min(1.0, restorer.samples_out / expected))
                writer.write(restorer.flush())
        self.progress(1.0)
        report = restorer.report
        nonfinite = report.nonfinite + reader.nonfinite
        warnings = (*reader.warnings, *tag_warnings)
        overs = writer.clipped if not self.fmt.is_float else report.overs
        return replace(report, nonfinite=nonfinite, warnings=warnings, overs=overs)

    def _cutoffs(self, verdict: Verdict | None) -> Sequence[Segment] | None:
        if verdict is None:
            return _given(self.options.cutoff_hz)
        if verdict.bandwidth.full_band:
            return None
        start = self.options.start_seconds
        return [
            replace(
                part,
                start_seconds=part.start_seconds - start,
                end_seconds=part.end_seconds - start,
            )
            for part in verdict.bandwidth.segments
        ]

    def _expected_frames(self) -> int | None:
        options, info = self.options, self.info
        if info.frames is None:
            return None
        frames = max(0, info.frames - round(options.start_seconds * info.sample_rate))
        if options.duration_seconds is not None:
            frames = min(frames, round(options.duration_seconds * info.sample_rate))
        return round(frames * self.output_rate / info.sample_rate)

    def _note(self, report: Report) -> str:
        cutoff = "nothing added" if report.model is None else f"above {report.cutoff_hz:.0f} Hz"
        return f"restored by aliquot {aliquot.__version__} ({report.model or 'no model'}, {cutoff})"


def _judged(report: Report, verdict: Verdict | None) -> Report:
    if verdict is None:
        return report
    band = verdict.bandwidth
    return replace(
        report,
        kind=verdict.kind,
        codec=verdict.codec,
        cutoff_hz=band.cutoff_hz,
        confidence=band.confidence,
        segments=tuple((p.start_seconds, p.end_seconds, p.cutoff_hz) for p in band.segments),
    )


def copy_whole(source: Path, target: Path, *, overwrite: bool) -> None:
    """Copy a file byte for byte; it appears whole or not at all.

    Raises:
        OutputError: If it cannot be written.
    """
    check_space(target, source.stat().st_size)
    pending = PendingFile(target, overwrite=overwrite)
    pending.create()
    try:
        shutil.copyfile(source, pending.path)
        pending.commit()
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        pending.discard()
