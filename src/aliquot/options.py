"""What may be asked of a file's restoration."""

import math
from dataclasses import dataclass

from aliquot.errors import ConfigError
from aliquot.io.formats import SoundInfo
from aliquot.predictor import Processing


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
        raw: Take all that a waveform model returns, its version of the given band included.
        block_seconds: Sound read at a time.
        threads: Windows worked on at a time.
        overwrite: Whether an existing result may be replaced; it is skipped otherwise.
        dry_run: Find out what would be done, and write nothing.
        keep_tags: Whether tags and covers are carried over.

    Raises:
        ConfigError: If a number is out of its range.
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
    raw: bool = False
    block_seconds: float = 2.0
    threads: int = 2
    overwrite: bool = False
    dry_run: bool = False
    keep_tags: bool = True

    def __post_init__(self) -> None:
        Processing(strength=self.strength, threads=self.threads)  # has the ranges of these two
        for name in ("start_seconds", "duration_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ConfigError(f"{name} must be 0 or more, got {value}")
        if not 0 < self.block_seconds < math.inf:
            raise ConfigError(f"block_seconds must be more than 0, got {self.block_seconds}")

    def converts(self, info: SoundInfo) -> bool:
        """Whether the result is to differ from the recording even if nothing is restored."""
        depth = "32f" if info.is_float else str(info.bits)
        asked_and_own = (
            (self.container, info.container),
            (self.bits, depth),
            (self.output_rate, info.sample_rate),
            (self.bitrate_kbps, None),
        )
        part = self.start_seconds > 0 or self.duration_seconds is not None
        other = any(asked not in (None, own) for asked, own in asked_and_own)
        return part or self.only_high or other


DEFAULT = FileOptions()
