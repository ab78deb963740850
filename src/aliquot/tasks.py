"""What is taken away from a recording to see how well it is given back: the tasks, as data."""

import re
import zlib
from dataclasses import dataclass, replace

import numpy as np

from aliquot.audio import Waveform
from aliquot.degrade.chain import HELD_OUT, TRAINED_FAMILIES, DegradationRange, draw
from aliquot.degrade.codec import named, round_trip
from aliquot.degrade.lowpass import FAMILIES, SOXR_QUALITIES, Lowpass, lowpass, placed
from aliquot.dsp.resample import fitted, resample
from aliquot.errors import ConfigError

TRAINED, UNSEEN = "trained", "held-out"
"""Groups of filter families: those a model may train on, and those kept for testing."""

FAMILY_CHOICES = (TRAINED, UNSEEN, *FAMILIES)

FULL_RATE = 44_100
"""Tasks that end at a lower rate are those of the founding papers alone."""

RESAMPLER_EDGE = 0.92
"""soxr's best quality is flat up to this part of the lower Nyquist frequency (-3 dB at 0.95)."""


@dataclass(frozen=True, slots=True)
class Task:
    """One way to lose the treble.

    Attributes:
        name: As on the command line.
        output_rate: Rate of the original and of the restored signal, in Hz.
        input_rate: Rate of the degraded signal, in Hz; lower, or the same.
        cutoff_hz: Where the low-pass filters have lost 20 dB; 0 for a codec, which decides itself.
        codec: Name and bit rate or quality of a lossy codec, instead of a filter.
    """

    name: str
    output_rate: int
    input_rate: int
    cutoff_hz: float = 0.0
    codec: tuple[str, float] | None = None


def _reduced(name: str, output_rate: int, factor: int) -> Task:
    """The founding papers' tasks."""
    rate = output_rate // factor
    return Task(name, output_rate, rate, RESAMPLER_EDGE * rate / 2)


def _in_place(cutoff_hz: int) -> Task:
    return Task(f"cutoff-{cutoff_hz}", 44_100, 44_100, float(cutoff_hz))


def _coded(name: str) -> Task:
    return Task(name, 44_100, 44_100, codec=named(name))


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        *(_reduced(f"x{factor}", 48_000, factor) for factor in (2, 4, 6)),
        *(_reduced(f"x{factor}-16k", 16_000, factor) for factor in (2, 4)),
        _reduced("11025", 44_100, 4),
        *(_in_place(hz) for hz in (3_000, 4_000, 5_500, 8_000, 11_000, 13_000, 16_000)),
        *map(_coded, ("mp3-64", "mp3-96", "mp3-128", "aac-96", "aac-128", "vorbis-q0", "opus-48")),
    )
}
"""The tasks of the protocol by name; ``cutoff-HZ`` of any other frequency is a task as well."""


def find_task(name: str) -> Task:
    """The task of a name.

    Raises:
        ConfigError: If there is none.

    >>> find_task("x4").input_rate, find_task("cutoff-7250").cutoff_hz
    (12000, 7250.0)
    """
    if name in TASKS:
        return TASKS[name]
    match = re.fullmatch(r"cutoff-(\d{3,5})", name)
    if match and 1_000 <= int(match[1]) <= 20_000:
        return _in_place(int(match[1]))
    raise ConfigError(
        f"unknown task {name!r}; use one of {', '.join(TASKS)}, or cutoff-HZ with 1000 to 20000"
    )


def choose_filter(task: Task, name: str, family: str = TRAINED) -> Lowpass:
    """The filter for one file: a seeded choice, the same on every run and machine.

    Args:
        task: A task without a codec.
        name: Of the file, whose checksum seeds the choice.
        family: A group or a family of :data:`FAMILY_CHOICES`.

    Returns:
        The filter, placed so that it has lost 20 dB at the task's cut-off.

    Raises:
        ConfigError: If the family is unknown.
    """
    rng = np.random.default_rng(zlib.crc32(f"{task.name}/{name}".encode()))
    cutoffs = (task.cutoff_hz, task.cutoff_hz)
    if family == UNSEEN:
        spec = replace(HELD_OUT[int(rng.integers(len(HELD_OUT)))], cutoff_hz=task.cutoff_hz)
        return placed(spec, task.output_rate)
    if family == TRAINED:
        # decimation needs a whole factor, which only the tasks of lower rate have
        more = ("decimate",) if task.input_rate < task.output_rate else ()
        families = (*TRAINED_FAMILIES, *more)
    elif family in FAMILIES:
        families = (family,)
    else:
        raise ConfigError(f"unknown family {family!r}; use one of {', '.join(FAMILY_CHOICES)}")
    return draw(rng, DegradationRange(families, cutoffs), task.output_rate)


def degrade(original: Waveform, task: Task, spec: Lowpass | None) -> Waveform:
    """Take the treble away.

    Args:
        original: ``(channels, samples)`` at the task's output rate.
        task: Which says the rate of the result, and the codec if there is one.
        spec: The filter; None for a codec.

    Returns:
        ``(channels, samples)`` at the task's input rate, aligned with the original.

    Raises:
        ConfigError: If a needed program is missing.
    """
    if task.codec is not None:
        return round_trip(original, task.output_rate, *task.codec)
    if spec is None:
        raise ValueError(f"task {task.name} needs a filter; get one from choose_filter")
    if task.input_rate == task.output_rate:
        return lowpass(original, task.output_rate, spec)
    if spec.family == "soxr":
        quality = SOXR_QUALITIES[round(spec.steepness * (len(SOXR_QUALITIES) - 1))]
        return resample(original, task.output_rate, task.input_rate, quality)
    factor = task.output_rate // task.input_rate
    if spec.family == "subsample":
        return fitted(original[:, ::factor], round(original.shape[1] / factor))
    if spec.family == "decimate":
        from scipy.signal import decimate

        low = decimate(original.astype(np.float64), factor, axis=1)
        return np.ascontiguousarray(low, np.float32)
    filtered = lowpass(original, task.output_rate, spec)
    return resample(filtered, task.output_rate, task.input_rate)
