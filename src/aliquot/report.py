"""What was done to a recording: every result carries one of these."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a recording and what was added to it.

    Attributes:
        action: ``restored``, ``copied`` (nothing to restore), ``skipped`` or ``planned``.
        source: The recording, or None for an array.
        target: Its result, or None.
        kind: ``band-limited``, ``codec-limited``, ``full-band``, or ``given`` if the cut-off was.
        codec: Which codec limited it, as far as known.
        cutoff_hz: Where its own sound ends; None if nothing ends, as of silence.
        confidence: Of the cut-off, 0 to 1.
        segments: ``(start_seconds, end_seconds, cutoff_hz)``; several where it changes.
        sample_rate: Of the recording, in Hz.
        output_rate: Of the result, in Hz.
        channels: Of both.
        samples_in: Samples per channel that the decoder delivered.
        samples_out: Samples per channel of the result.
        added_db: Energy of what was added over that of the recording, in dB; None if nothing was.
        headroom_db: Energy that the added band gave up so that the sum does not clip, in dB.
        overs: Samples of the result beyond full scale, where an integer result is cut off.
        nonfinite: Samples that were no numbers and became 0.
        model: Release or file.
        elapsed_seconds: Of work.
        warnings: What else the user should know.
    """

    action: str
    source: str | None = None
    target: str | None = None
    kind: str = "given"
    codec: str | None = None
    cutoff_hz: float | None = None
    confidence: float = 1.0
    segments: tuple[tuple[float, float, float], ...] = ()
    sample_rate: int = 0
    output_rate: int = 0
    channels: int = 0
    samples_in: int = 0
    samples_out: int = 0
    added_db: float | None = None
    headroom_db: float = 0.0
    overs: int = 0
    nonfinite: int = 0
    model: str | None = None
    elapsed_seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the recording in seconds."""
        return self.samples_in / self.sample_rate if self.sample_rate else 0.0

    @property
    def times_real_time(self) -> float:
        """Seconds of sound per second of work."""
        return self.seconds / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        derived = {"seconds": self.seconds, "times_real_time": self.times_real_time}
        return {**asdict(self), **derived}
