"""What is in a collection already, under whatever name: fingerprints kept beside its manifest."""

from pathlib import Path

from aliquot.collect.chroma import usable
from aliquot.collect.findings import Finding
from aliquot.collect.fingerprint import EMPTY, Fingerprint, FingerprintIndex, Scheme
from aliquot.collect.prints import PrintStore, prints_path
from aliquot.io.names import shown


class Twins:
    """The fingerprints of a collection, and those of its recordings that sound like another."""

    def __init__(self, manifest: Path) -> None:
        """Look up what is known.

        Args:
            manifest: Of the collection; beside it the fingerprints lie.

        Raises:
            OutputError: If they cannot be opened to be added to, or nothing be put beside them.
        """
        self._prints = PrintStore(prints_path(manifest), usable())
        self._index = FingerprintIndex(self._prints.scheme, manifest.absolute().parent)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._prints

    @property
    def scheme(self) -> Scheme:
        """How the fingerprints are made."""
        return self._prints.scheme

    def put(self, sha256: str, fingerprint: Fingerprint) -> None:
        """Keep a fingerprint; the recording need not be in the collection.

        Args:
            sha256: Of the file, in hexadecimal.
            fingerprint: Of what it holds.

        Raises:
            OutputError: If it cannot be written.
        """
        self._prints.put(sha256, fingerprint)

    def admit(self, name: str, sha256: str) -> None:
        """A recording is in the collection: what sounds the same is a finding from now on.

        Args:
            name: What findings call it.
            sha256: Of its file, put down before; without a fingerprint it is never found.
        """
        self._index.add(name, self._prints.get(sha256) or EMPTY)

    def finding(self, sha256: str) -> Finding | None:
        """A recording of the collection that sounds the same as a file put down before."""
        match = self._index.find(self._prints.get(sha256) or EMPTY)
        if match is None:
            return None
        figure = f"{match.error:.0%} of the fingerprint differs"
        if match.whole:
            return Finding("duplicate", f"sounds like {shown(match.name)} ({figure})")
        seconds = match.offset_seconds
        where = f"{abs(seconds):.1f} s into {'it' if seconds > 0 else 'this'}"
        return Finding("excerpt", f"shares its sound with {shown(match.name)} ({figure}, {where})")
