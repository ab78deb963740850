"""A search becomes a folder of checked recordings that one may train on.

Every recording passes the same gates in the same order: may it be fetched, does its licence allow
training, does the source still say so, did the file come as promised, is it of use. What does not
pass is put down with the reason. A recording is in the manifest only after it has passed them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from aliquot.collect.answers import StatusError, UnreachableError
from aliquot.collect.download import Download, Fetched, TooLargeError
from aliquot.collect.folder import WORKSHOP, place
from aliquot.collect.gates import Step, Wish, already, distinct, refusal
from aliquot.collect.journal import FAILED, KEPT, REFUSED, USELESS, Entry, Journal
from aliquot.collect.limits import QuotaError
from aliquot.collect.manifest import Row
from aliquot.collect.network import NetworkError
from aliquot.collect.source import Source
from aliquot.collect.track import Track, one_line, safe_name
from aliquot.io.names import shown

MOST_FAILURES = 5
"""So many recordings in a row that could not be had, and the run ends: the source is down."""

_EXPIRED = frozenset({401, 403, 404, 410})


class Examined(Protocol):
    """What an examination of a file has found."""

    @property
    def seconds(self) -> float:
        """Length."""

    @property
    def sample_rate(self) -> int:
        """In Hz."""

    @property
    def channels(self) -> int:
        """Number."""

    @property
    def codec(self) -> str:
        """How it is stored, in a word."""

    @property
    def bandwidth_hz(self) -> float | None:
        """Highest frequency with content."""

    @property
    def bandwidth_typical_hz(self) -> float | None:
        """Half of the loud moments reach it."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it is of no use; empty if it is."""

    @property
    def notes(self) -> str:
        """What else is worth a word in the manifest; empty as a rule."""


class Examiner(Protocol):
    """Says what files hold, and remembers what is in the set."""

    def examine(self, path: Path) -> Examined:
        """Read a file that nobody vouches for; what is wrong with it is no error."""

    def admit(self, row: Row) -> None:
        """A recording is in the set: what sounds the same is a problem from now on."""


class Collector:
    """Collects into one folder.

    Args:
        source: What is searched.
        wish: What is wanted.
        journal: Of the folder.
        examiner: Reads files and says what they hold; what it calls a problem keeps a file out.
        progress: Told of the recording that is being fetched, its bytes and how many there will be.
    """

    def __init__(
        self,
        source: Source,
        wish: Wish,
        journal: Journal,
        examiner: Examiner,
        progress: Callable[[Track, int, int | None], None] | None = None,
    ) -> None:
        self._source, self._wish, self._journal, self._examiner = source, wish, journal, examiner
        self._progress = progress or (lambda track, done, total: None)
        self._contents: dict[str, str] = {}
        for entry in journal.entries():
            if entry.state == KEPT and entry.row is not None:
                self._contents[entry.row.sha256] = entry.key
                examiner.admit(entry.row)
        self._silent = 0

    def run(self, query: str) -> Iterator[Step]:
        """Fetch what matches until there is enough, one step for each recording.

        Yields:
            In the order of the source; recordings an earlier run has fetched count.

        Raises:
            NetworkError: If the source cannot be asked, or nothing can be had of it any more; what
                was yielded is safe.
            OutputError: If the disk is full or cannot be written.
        """
        have = 0.0
        for track in distinct(self._source.search(query)):
            step = self._step(track)
            have += step.seconds if step.state == KEPT else 0.0
            yield step
            if self._silent >= MOST_FAILURES:
                raise UnreachableError(
                    f"{self._silent} recordings in a row could not be had, the last because "
                    f"{step.reason}"
                )
            if have >= self._wish.seconds:
                return

    def _step(self, track: Track) -> Step:
        known = self._journal.get(track.key)
        step = already(track, self._wish, known)
        if step is not None:
            return step
        if known is not None and known.state == KEPT and known.row is not None:
            self._contents.pop(known.row.sha256, None)
            self._journal.lose(known, "its file has vanished or changed")
        reason = refusal(track, self._wish.policy, self._source)
        if reason is not None:
            return self._out(track, REFUSED, reason)
        try:
            return self._fetch(track)
        except QuotaError:
            raise
        except TooLargeError as error:
            return self._out(track, USELESS, str(error))
        except NetworkError as error:
            # Failures of an earlier run do not count: else they would end every run at one place.
            self._silent += known is None or known.state != FAILED
            return self._out(track, FAILED, str(error))

    def _fetch(self, track: Track) -> Step:
        now = self._source.again(track)
        if now is None:
            return self._out(track, REFUSED, "its source no longer has it")
        reason = _changed(track, now) or refusal(now, self._wish.policy, self._source)
        if reason is not None:
            return self._out(now, REFUSED, reason)
        part = self._wish.folder / WORKSHOP / f"{safe_name(now.key)}.{now.extension}"
        try:
            download, fetched = self._downloaded(now, part)
        except (QuotaError, TooLargeError, UnreachableError):
            raise
        except NetworkError as error:  # it lies with this one file, and the source is well
            self._silent = 0
            return self._out(now, FAILED, str(error))
        self._silent = 0
        return self._judge(now, part, download, fetched)

    def _downloaded(self, track: Track, part: Path) -> tuple[Download, Fetched]:
        download = self._download(track, part)
        try:
            return download, download.run()
        except StatusError as error:
            if error.status not in _EXPIRED:
                raise
            now = self._source.again(track)  # an address may be good for some minutes only
            if now is None or now.download_url == track.download_url or _changed(track, now):
                raise
            download = self._download(now, part)
            return download, download.run()

    def _download(self, track: Track, part: Path) -> Download:
        return Download(
            self._source.client,
            track,
            part,
            self._source.file_headers(),
            self._wish.most_bytes,
            lambda done, total: self._progress(track, done, total),
        )

    def _judge(self, track: Track, part: Path, download: Download, fetched: Fetched) -> Step:
        twin = self._contents.get(fetched.sha256)
        if twin is not None and twin != track.key:
            download.discard()
            return self._out(track, USELESS, f"is, byte for byte, {shown(twin)}")
        found = self._examiner.examine(part)
        problems = [*found.problems, *_mislabelled(track, found, self._wish.least_hz)]
        if problems:
            download.discard()
            return self._out(track, USELESS, "; ".join(problems))
        row = _row(track, found, fetched, self._wish.today)
        stat = part.stat()
        entry = _entry(track, KEPT, "", self._wish.terms)
        # Put down first: a run that ends between the two leaves no file that nobody knows of.
        self._journal.note(replace(entry, bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, row=row))
        download.conclude()
        place(self._wish.folder, track.path, part)
        self._contents[fetched.sha256] = track.key
        self._examiner.admit(row)
        return Step(track, KEPT, seconds=row.seconds, bytes=fetched.bytes, fresh=True)

    def _out(self, track: Track, state: str, reason: str) -> Step:
        self._journal.note(_entry(track, state, reason, self._wish.terms))
        return Step(track, state, reason)


def _changed(before: Track, now: Track) -> str | None:
    """What speaks against a recording whose licence is not what it was a moment ago."""
    old, new = (track.licence.id if track.licence else "unknown" for track in (before, now))
    if old == new:
        return None
    return f"its licence changed from {old} to {new} between the search and the download"


def _mislabelled(track: Track, found: Examined, least_hz: float) -> Iterator[str]:
    if track.extension == "flac" and found.codec and found.codec != "flac":
        yield f"is called FLAC but is {found.codec}"
    if found.bandwidth_hz is not None and found.bandwidth_hz < least_hz:
        yield f"carries sound up to {found.bandwidth_hz:.0f} Hz only, under {least_hz:.0f}"


def _entry(track: Track, state: str, reason: str, terms: str) -> Entry:
    return Entry(
        key=track.key,
        state=state,
        artist=track.artist,
        title=track.title,
        licence=track.licence.id if track.licence else track.licence_url,
        page_url=track.page_url,
        reason=reason,
        terms=terms,
    )


def _row(track: Track, found: Examined, fetched: Fetched, today: str) -> Row:
    licence = track.licence
    stated = track.licence_url
    return Row(
        file=track.path.as_posix(),
        seconds=round(found.seconds, 2),
        sample_rate=found.sample_rate,
        channels=found.channels,
        codec=found.codec,
        bandwidth_hz=_whole(found.bandwidth_hz),
        licence=licence.id if licence else "",
        artist=track.artist,
        title=track.title,
        source=track.page_url,
        genre=track.genre,
        sha256=fetched.sha256,
        bandwidth_typical_hz=_whole(found.bandwidth_typical_hz),
        notes="; ".join(filter(None, ("preview" if track.preview else "", found.notes))),
        licence_url=stated if "://" in stated or licence is None else licence.url,
        date=one_line(track.date),
        collected=today,
    )


def _whole(hertz: float | None) -> float | None:
    return None if hertz is None else float(round(hertz))
