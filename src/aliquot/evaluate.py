"""Measure models beside the baselines: every number of this project comes from here.

A file is cut into its fixed excerpts. Each is degraded by itself; end to end they are restored as
one recording, as a user does with a file: what one excerpt tells of the cut-off holds for all. They
are measured so too, once per method, against the original at the output rate.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from aliquot.audio import Audio, Waveform
from aliquot.baselines import BASELINES
from aliquot.degrade.lowpass import Lowpass
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.dsp.resample import resample
from aliquot.errors import AliquotError, ModelError
from aliquot.methods import Piece, Restore, model_restorer, restore_by_baseline
from aliquot.metrics.realness import Clues, Realness, describe, tell_apart
from aliquot.metrics.suite import Signal, measure
from aliquot.scoreboard import Score
from aliquot.tasks import TRAINED, Task, choose_filter, degrade
from aliquot.testset import Entry, load_excerpts, upper_limit_hz

LEAST_ROOM = 1.05
"""An original must reach this many times the cut-off, or there is no truth to score against."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        tasks: How the recordings are degraded.
        models: Names of the methods under test.
        family: Group or family of the low-pass filters.
        tell_cutoff: If true, models are told the true cut-off; else they find it, as for a user.
        strict_limit: If true, originals count up to where they reach half of the time only.
        threads: Threads of each model.
        realness: Whether originals and restored are described, for a classifier to tell apart.
    """

    tasks: tuple[Task, ...]
    models: tuple[str, ...] = ()
    family: str = TRAINED
    tell_cutoff: bool = False
    strict_limit: bool = False
    threads: int = 1
    realness: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The models, then all baselines."""
        return (*self.models, *BASELINES)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out.

    Attributes:
        scores: One per task, file and method, in that order.
        skipped: Why files were left out of a task, one sentence each.
        failed: What went wrong, one sentence each.
        realness: By task and method, how well restored and original are told apart; empty unless
            it was asked for.
    """

    scores: tuple[Score, ...]
    skipped: tuple[str, ...]
    failed: tuple[str, ...]
    realness: Mapping[tuple[str, str], Realness] = field(default_factory=dict)


def make_piece(excerpt: Audio, task: Task, spec: Lowpass | None) -> Piece:
    """Bring an excerpt to the task's output rate and degrade it."""
    original = resample(excerpt.samples, excerpt.sample_rate, task.output_rate)
    degraded = degrade(original, task, spec)
    return Piece(original, degraded, resample(degraded, task.input_rate, task.output_rate))


def score_file(
    entry: Entry, task: Task, plan: Plan, restorers: Mapping[str, Restore]
) -> tuple[list[Score], str | None]:
    """Score every method on one file and task.

    Args:
        entry: The recording.
        task: How it is degraded.
        plan: The methods, and the rules.
        restorers: The models of the plan by name.

    Returns:
        The scores, and None; or no scores, and why the file has nothing to score.

    Raises:
        AliquotError: If the file cannot be read, or a method fails on it.
    """
    excerpts = load_excerpts(entry.path)
    spec = None if task.codec else choose_filter(task, entry.name, plan.family)
    pieces = [make_piece(excerpt, task, spec) for excerpt in excerpts]
    original = np.concatenate([piece.original for piece in pieces], axis=1)
    given = np.concatenate([piece.given for piece in pieces], axis=1)
    rate = task.output_rate
    cutoff_hz = true_cutoff_hz(original, given, rate)
    upper_hz = upper_limit_hz(entry, excerpts[0].sample_rate, rate, strict=plan.strict_limit)
    if upper_hz < LEAST_ROOM * cutoff_hz:
        reason = f"ends at {upper_hz:.0f} Hz, the degraded one at {cutoff_hz:.0f} Hz"
        return [], f"{task.name}: {entry.name} {reason}; nothing to score"
    reference = Signal(original)
    real = described(reference, entry, plan, rate, (cutoff_hz, upper_hz))
    scores = []
    for method, (restored, used_hz) in _outcomes(pieces, task, cutoff_hz, plan, restorers):
        if restored.shape != original.shape:
            raise ModelError(
                f"{method} made {restored.shape} samples of {entry.name}, not {original.shape}; "
                "a method must keep channels and length"
            )
        estimate = Signal(restored)
        metrics = measure(reference, estimate, rate, cutoff_hz, upper_hz)
        label = label_of(task, spec)
        score = Score(task.name, entry.name, method, label, cutoff_hz, upper_hz, used_hz, metrics)
        made = described(estimate, entry, plan, rate, (cutoff_hz, upper_hz))
        scores.append(replace(score, clues=(real, made) if real and made else None))
    return scores, None


def described(
    signal: Signal, entry: Entry, plan: Plan, rate: int, limits_hz: tuple[float, float]
) -> Clues | None:
    """What a classifier is told of a recording's treble, if the plan wants to know."""
    if not plan.realness:
        return None
    return Clues(entry.name, entry.artist, describe(signal.mono, rate, *limits_hz))


def told_apart(scores: Sequence[Score]) -> dict[tuple[str, str], Realness]:
    """By task and method, how well a classifier tells restored from original."""
    groups: dict[tuple[str, str], list[tuple[Clues, Clues]]] = {}
    for score in scores:
        if score.clues:
            groups.setdefault((score.task, score.method), []).append(score.clues)
    return {
        key: tell_apart([real for real, _ in pairs], [made for _, made in pairs])
        for key, pairs in groups.items()
    }


def label_of(task: Task, spec: Lowpass | None) -> str:
    """What degraded a file, in short.

    >>> from aliquot.tasks import TASKS
    >>> label_of(TASKS["x2"], Lowpass("bessel", 4_000.0, 8)), label_of(TASKS["mp3-64"], None)
    ('bessel-8', 'mp3')
    """
    if spec is None:
        return task.codec[0] if task.codec else ""
    has_order = spec.family in ("butterworth", "chebyshev1", "elliptic", "bessel")
    return f"{spec.family}-{spec.order}" if has_order else spec.family


def _outcomes(
    pieces: Sequence[Piece],
    task: Task,
    cutoff_hz: float,
    plan: Plan,
    restorers: Mapping[str, Restore],
) -> Iterator[tuple[str, tuple[Waveform, float | None]]]:
    """Every method's result on all excerpts end to end, models first."""
    told = cutoff_hz if plan.tell_cutoff else None
    degraded = np.concatenate([piece.degraded for piece in pieces], axis=1)
    for name in plan.models:
        yield name, restorers[name](degraded, task.input_rate, told, task.output_rate)
    for name in BASELINES:
        parts = [
            restore_by_baseline(name, piece, task, cutoff_hz, seed)
            for seed, piece in enumerate(pieces)
        ]
        yield name, (np.concatenate(parts, axis=1), cutoff_hz)


Result = tuple[list[Score], str | None, str | None]
"""Scores, why there are none to give, what went wrong."""


def _attempt(
    job: tuple[Entry, Task], plan: Plan, restorers: Mapping[str, Restore] | None
) -> Result:
    """One file and task; an error of ours is a result, so that the others go on."""
    entry, task = job
    try:
        if restorers is None:
            restorers = {name: model_restorer(name, plan.threads) for name in plan.models}
        return (*score_file(entry, task, plan, restorers), None)
    except AliquotError as error:
        return [], None, f"{task.name}: {entry.name}: {error}"


def evaluate(
    entries: Sequence[Entry],
    plan: Plan,
    *,
    jobs: int = 1,
    restorers: Mapping[str, Restore] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evaluation:
    """Score all methods of a plan on all recordings.

    The result does not depend on the number of jobs.

    Args:
        entries: From :func:`~aliquot.testset.find_entries`.
        plan: Tasks, models and rules.
        jobs: Processes; with more than one, ``restorers`` must be None or picklable.
        restorers: The models of the plan by name; None for released models.
        progress: Called with a line for each file and task that is done.

    Returns:
        Scores ordered by task, file and method.
    """
    work = [(entry, task) for task in plan.tasks for entry in entries]
    attempt = partial(_attempt, plan=plan, restorers=restorers)
    results: dict[int, Result] = {}
    for index, result in _run(attempt, work, jobs):
        results[index] = result
        if progress is not None:
            entry, task = work[index]
            progress(f"[{len(results)}/{len(work)}] {task.name} {entry.name}")
    ordered = [results[index] for index in range(len(work))]
    scores = tuple(score for scores, _, _ in ordered for score in scores)
    return Evaluation(
        scores,
        tuple(reason for _, reason, _ in ordered if reason),
        tuple(error for _, _, error in ordered if error),
        told_apart(scores),
    )


def _run(
    attempt: Callable[[tuple[Entry, Task]], Result], work: Sequence[tuple[Entry, Task]], jobs: int
) -> Iterator[tuple[int, Result]]:
    """Results with their place in ``work``, as they come."""
    if jobs == 1:
        yield from ((index, attempt(job)) for index, job in enumerate(work))
        return
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        places = {pool.submit(attempt, job): index for index, job in enumerate(work)}
        for future in as_completed(places):
            yield places[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
