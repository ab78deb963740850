"""How often a source may be asked: token buckets, several of them for one source if need be."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aliquot.collect.network import NetworkError


class QuotaError(NetworkError):
    """A source wants to be left alone for longer than anybody waits: nothing more comes today."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    requests: int
    seconds: float

    def __str__(self) -> str:
        """For messages: ``200 requests in 24 h``.

        >>> str(Limit(200, 86_400)), str(Limit(20, 60))
        ('200 requests in 24 h', '20 requests in 60 s')
        """
        hours = self.seconds / 3600
        span = f"{hours:g} h" if hours >= 1 else f"{self.seconds:g} s"
        return f"{self.requests} requests in {span}"


class Bucket:
    """A bucket of tokens, one for each request; a token comes back so long after it was taken.

    Therefore no span of ``limit.seconds`` ever holds more than ``limit.requests``, as would one of
    a bucket that is refilled evenly.
    """

    def __init__(self, limit: Limit, now: Callable[[], float]) -> None:
        self.limit = limit
        self._now = now
        self._taken: deque[float] = deque()

    def wait_seconds(self) -> float:
        """How long until there is a token; 0 if there is one."""
        now = self._now()
        while self._taken and self._taken[0] + self.limit.seconds <= now:
            self._taken.popleft()
        if len(self._taken) < self.limit.requests:
            return 0.0
        return self._taken[0] + self.limit.seconds - now

    def take(self) -> None:
        """Take a token."""
        self._taken.append(self._now())


class Throttle:
    """All the limits of one source together.

    Args:
        limits: Each must be kept.
        now: Seconds on a clock that never goes back.
        wait: Waits for some seconds, and may tell the user so.
        patience: A wait longer than this, in seconds, is an error instead.
    """

    def __init__(
        self,
        limits: tuple[Limit, ...],
        now: Callable[[], float],
        wait: Callable[[float], None],
        patience: float,
    ) -> None:
        self._buckets = [Bucket(limit, now) for limit in limits]
        self._wait = wait
        self._patience = patience

    def take(self, host: str) -> None:
        """Wait until one more request is allowed.

        Args:
            host: Whom it is for, for the message.

        Raises:
            QuotaError: If that would take longer than anybody waits.
        """
        for bucket in self._buckets:
            seconds = bucket.wait_seconds()
            if seconds > self._patience:
                raise QuotaError(
                    f"{host} allows {bucket.limit}, and they are spent; run the same command again "
                    f"in {seconds / 3600:.1f} h, it goes on from here"
                )
            if seconds > 0:
                self._wait(seconds)
        for bucket in self._buckets:
            bucket.take()
