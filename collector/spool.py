"""The spool: batches on disk from the moment their windows close until the service has them."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from caudal.collector.batch import batch_id
from caudal.collector.errors import SpoolError

_SUFFIX = ".batch"
_NAME = re.compile(r"(\d{12})-[0-9a-f]{64}\.batch")


@dataclass(frozen=True)
class Segment:
    """One batch in the spool, named by its place in the order and by its id."""

    path: Path

    @property
    def batch_id(self) -> str:
        """The id that the batch had when it was written."""
        return self.path.name.removesuffix(_SUFFIX).partition("-")[2]


class Spool:
    """A directory of batches. Written whole or not at all; read in the order written.

    `refused` holds what the service will never take, `damaged` what no longer is what was written: both
    are kept for a person to look at.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.refused = directory / "refused"
        self.damaged = directory / "damaged"
        self._next = 0

    def open(self) -> None:
        """Make the directories, remove what was cut off while being written, and find the next place."""
        try:
            for directory in (self.directory, self.refused, self.damaged):
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self.directory.glob("*.partial"):
                left.unlink()
        except OSError as error:
            raise SpoolError(
                f"the spool {self.directory} cannot be used: {error.strerror}; correct `state_directory` or its owner"
            ) from error
        places = [
            int(name[1])
            for directory in (self.directory, self.refused, self.damaged)
            for path in directory.iterdir()
            if (name := _NAME.fullmatch(path.name))
        ]
        self._next = max(places, default=-1) + 1

    def put(self, body: bytes) -> Segment:
        """Write a batch; when this returns it survives a crash."""
        path = self.directory / f"{self._next:012d}-{batch_id(body)}{_SUFFIX}"
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            _sync(self.directory)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise SpoolError(f"the spool {self.directory} cannot be written: {error.strerror}") from error
        self._next += 1
        return Segment(path)

    def segments(self) -> list[Segment]:
        """Return what waits, oldest first."""
        return [Segment(path) for path in sorted(self.directory.iterdir()) if _NAME.fullmatch(path.name)]

    def read(self, segment: Segment) -> bytes | None:
        """Return a batch as it was written; one that has changed is set aside and None is returned."""
        body = segment.path.read_bytes()
        if batch_id(body) == segment.batch_id:
            return body
        self._move(segment, self.damaged)
        return None

    def done(self, segment: Segment) -> None:
        """Remove a batch that the service has."""
        segment.path.unlink(missing_ok=True)
        _sync(self.directory)

    def refuse(self, segment: Segment) -> None:
        """Set aside a batch that the service will never take."""
        self._move(segment, self.refused)

    def _move(self, segment: Segment, directory: Path) -> None:
        segment.path.rename(directory / segment.path.name)
        _sync(directory)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
