"""Kinds of values on the command line that click does not know."""

import math

import click


class Seconds(click.ParamType[float]):
    """A time: ``90``, ``1:30`` or ``1:02:03.5``."""

    name = "time"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the time in seconds."""
        if isinstance(value, float):
            return value
        try:
            parts = [float(part) for part in str(value).split(":")]
        except ValueError:
            parts = [math.nan]
        seconds: float = sum(part * 60.0**power for power, part in enumerate(reversed(parts)))
        if len(parts) > 3 or not all(0 <= part < math.inf for part in parts):
            self.fail(f"{value!r} is no time; give seconds (90) or minutes (1:30)", param, ctx)
        return seconds


class Cutoff(click.ParamType[float | None]):
    """A cut-off in Hz, or ``auto`` (None) to have it found."""

    name = "cutoff"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Return the cut-off in Hz, or None for ``auto``."""
        if value == "auto":
            return None
        try:
            hertz = float(value)
        except ValueError:
            hertz = math.nan
        if not 0 < hertz < math.inf:
            self.fail(f"{value!r} is no cut-off; give Hz (8000) or auto", param, ctx)
        return hertz


SECONDS = Seconds()
CUTOFF = Cutoff()
