"""A recording in, a restored recording out: what is asked, found, done and reported."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import aliquot
from aliquot.dsp.bandwidth import Segment
from aliquot.engine import load_enhancer
from aliquot.io.atomic import copy_whole
from aliquot.io.formats import CONTAINERS, container_of
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
from aliquot.io.tags import carry_tags, drop_tags, read_restored_mark
from aliquot.options import DEFAULT, FileOptions
from aliquot.pipeline import Restorer, default_output_rate
from aliquot.predictor import Processing, check_cutoff
from aliquot.report import Report
from aliquot.verdict import Verdict, doubts, inspect, restorable


def restore_file(
    source: Path | str,
    target: Path | str | None = None,
    options: FileOptions = DEFAULT,
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
        ConfigError: If an option does not fit the recording, or the result's name its format.
        ModelError: If the model is unknown or damaged.
    """
    began = time.monotonic()
    source = Path(source)
    with open_reader(source) as reader:
        info = reader.info
    if target is not None and copy_target is None:  # its name says what it is to be
        options = _as_named(Path(target), info, options)
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


def _as_named(target: Path, info: SoundInfo, options: FileOptions) -> FileOptions:
    """The options with the container that the result's name says, if that is not its own."""
    container = container_of(target, options.container)
    own = info.container in CONTAINERS and CONTAINERS[info.container].extension
    kept = info.lossless and own == target.suffix.lower() and options.container is None
    return options if kept else replace(options, container=container)


@dataclass(frozen=True, slots=True)
class _Job:
    """One file on its way."""

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
            enhancer = load_enhancer(options.model, raw=options.raw)
            check_cutoff(enhancer, options.cutoff_hz, info.sample_rate)
            verdict = None
        else:
            verdict = self._inspected()
        whole = verdict is not None and not restorable(verdict.bandwidth)
        copies = whole and not options.converts(info)
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

    def _inspected(self) -> Verdict:
        """What ails it; if nothing ails the whole, what ails the part that was asked for."""
        options = self.options
        verdict = inspect(self.source, threads=options.threads)
        start, duration = options.start_seconds, options.duration_seconds
        changes = len(verdict.bandwidth.segments) > 1
        if restorable(verdict.bandwidth) or not changes or (start, duration) == (0.0, None):
            return verdict
        part = inspect(self.source, duration, options.threads, start_seconds=start)
        band = part.bandwidth
        return replace(part, bandwidth=replace(band, segments=_moved(band.segments, start)))

    def _unprocessed(self, verdict: Verdict | None, target: Path, *, copied: bool) -> Report:
        info, options, found = self.info, self.options, list[str]()

        def finish(path: Path) -> None:
            found.extend([] if options.keep_tags else drop_tags(path))

        if copied and not options.dry_run:
            copy_whole(self.source, target, overwrite=options.overwrite, finish=finish)
        return Report(
            "planned" if options.dry_run else "copied",
            cutoff_hz=options.cutoff_hz if verdict is None else verdict.bandwidth.cutoff_hz,
            sample_rate=info.sample_rate,
            output_rate=info.sample_rate if copied else self.output_rate,
            channels=info.channels,
            samples_in=info.frames or 0,
            samples_out=info.frames or 0 if copied else 0,
            warnings=tuple(found),
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
                raw=options.raw,
                headroom=not self.fmt.is_float,
                threads=options.threads,
            ),
        )
        found: list[str] = []

        def finish(path: Path) -> None:
            found.extend(
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
        if options.start_seconds > 0 and not report.samples_in:
            found.append("it ends before --start, so the result is empty")
        nonfinite = report.nonfinite + reader.nonfinite
        warnings = (*reader.warnings, *found)
        return replace(report, nonfinite=nonfinite, warnings=warnings)

    def _cutoffs(self, verdict: Verdict | None) -> Sequence[Segment] | None:
        if self.options.cutoff_hz is not None:
            measured = inspect(self.source, threads=self.options.threads)
            return measured.bandwidth.told(self.options.cutoff_hz)
        assert verdict is not None  # noqa: S101 - for the type checker
        if not restorable(verdict.bandwidth):
            return None
        return _moved(verdict.bandwidth.segments, -self.options.start_seconds)

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


def _moved(segments: Sequence[Segment], seconds: float) -> tuple[Segment, ...]:
    """Segments so much later."""
    return tuple(
        replace(
            part,
            start_seconds=part.start_seconds + seconds,
            end_seconds=part.end_seconds + seconds,
        )
        for part in segments
    )


def _judged(report: Report, verdict: Verdict | None) -> Report:
    if verdict is None:
        return report
    band = verdict.bandwidth
    return replace(
        report,
        kind=verdict.kind,
        codec=verdict.codec,
        cutoff_hz=band.cutoff_hz if band.confidence else None,
        confidence=band.confidence,
        segments=tuple((p.start_seconds, p.end_seconds, p.cutoff_hz) for p in band.segments),
        warnings=(*report.warnings, *doubts(band)),
    )
