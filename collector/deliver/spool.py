"""The spool: batches on disk from the moment their windows close until the service has them."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from caudal.collector.errors import SpoolError, SpoolFull
from caudal.common.durable import replace_synced, sync_directory
from caudal.contract.batch import batch_id

log = logging.getLogger(__name__)

_SUFFIX = ".batch"
_NAME = re.compile(r"(\d{12})-[0-9a-f]{64}\.batch")


@dataclass(frozen=True)
class Segment:
    """A batch in the spool, named by its place in the order and by its id."""

    path: Path

    @property
    def batch_id(self) -> str:
        """The id that the batch had when it was written."""
        return self.path.name.removesuffix(_SUFFIX).partition("-")[2]


@dataclass(frozen=True)
class SpoolState:
    """The spool in numbers: batches and octets that wait, the age of the oldest in seconds, batches set aside."""

    batches: int
    bytes: int
    oldest_seconds: float
    refused: int
    damaged: int


class Spool:
    """A directory of batches. Written whole or not at all; read in the order written.

    It takes batches until it holds `most_bytes`, and then none until there is room again: what it holds is
    never dropped. `refused` holds what the service will never take, `damaged` what no longer is what was
    written: both are kept for a person to look at, and count as held.
    """

    def __init__(self, directory: Path, most_bytes: int | None = None) -> None:
        self.directory = directory
        self.refused = directory / "refused"
        self.damaged = directory / "damaged"
        self.most_bytes = most_bytes
        self._next = 0
        self._sizes: dict[str, int] = {}  # of every batch that is known to be there, by name
        self._held = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the directories, remove files cut off while being written, and find the next place."""
        try:
            for directory in (self.directory, self.refused, self.damaged):
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self.directory.glob("*.partial"):
                left.unlink()
            found = self._count()
        except OSError as error:
            raise SpoolError(
                f"the spool {self.directory} cannot be used: {error.strerror}; correct `state_directory` or its owner"
            ) from error
        self._next = max((int(name[:12]) for name in found), default=-1) + 1

    def put(self, body: bytes, *, beyond: bool = False) -> Segment:
        """Write a batch; when this returns it survives a crash. Raise SpoolFull or SpoolError if it cannot be.

        `beyond` writes it even where the spool holds as much as it may.
        """
        if not beyond and not self._fits(len(body)):
            raise SpoolFull(
                f"the spool {self.directory} holds the {self.most_bytes} bytes it may; see why the service does not "
                "take batches, or raise `spool_max_bytes`"
            )
        path = self.directory / f"{self._next:012d}-{batch_id(body)}{_SUFFIX}"
        self._hold(path.name, len(body))  # before it is there: it may be gone at once
        try:
            replace_synced(path, body)
        except OSError as error:
            self._release(path.name)
            raise SpoolError(f"the spool {self.directory} cannot be written: {error.strerror}") from error
        # From here on the batch may be on its way to the service: to write it once more, perhaps as part of
        # another, would count it twice.
        self._next += 1
        try:
            sync_directory(self.directory)
        except OSError as error:
            log.error(
                "the spool %s could not be synced: %s; look at the disk", self.directory, error.strerror
            )
        return Segment(path)

    def adopt(self, file: Path) -> Segment:
        """Move a file that is a batch among those that wait, as the last of them; raise SpoolFull or SpoolError.

        The file must be on the same file system, on the disk, and of the owner of the spool. May be done beside a collector
        that works on this spool.
        """
        try:
            body = file.read_bytes()
            self._count()
            if not self._fits(len(body)):
                raise SpoolFull(
                    f"the spool {self.directory} holds the {self.most_bytes} bytes it may; see why the service does not "
                    "take batches, or raise `spool_max_bytes`, and do this again"
                )
            last = max((path.name for path in _batches(self.directory)), default="0" * 12)[:12]
            path = self.directory / f"{last}-{batch_id(body)}{_SUFFIX}"
            self._hold(path.name, len(body))
            file.rename(path)
            sync_directory(self.directory)
        except OSError as error:
            raise SpoolError(
                f"{file} cannot be moved into the spool {self.directory}: {error.strerror}; do this as root, or as the "
                "collector's user"
            ) from error
        return Segment(path)

    def segments(self) -> list[Segment]:
        """Return the batches that wait, oldest first."""
        paths = sorted(_batches(self.directory))
        for path in paths:
            if path.name not in self._sizes:  # another process put it there
                self._hold(path.name, _size(path))
                if not path.exists():  # shipped just now
                    self._release(path.name)
        return [Segment(path) for path in paths]

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
        self._release(segment.path.name)
        sync_directory(self.directory)

    def refuse(self, segment: Segment) -> None:
        """Set aside a batch that the service will never take."""
        self._move(segment, self.refused)

    def refuse_rest(self, segment: Segment, rest: bytes) -> None:
        """Set aside the rows of a batch that the service refused, in the place of the batch."""
        path = self.refused / f"{segment.path.name[:12]}-{batch_id(rest)}{_SUFFIX}"
        replace_synced(path, rest)
        sync_directory(self.refused)
        self._hold(path.name, len(rest))
        self.done(segment)

    def take_back(self) -> int:
        """Put batches that the service refused back among those that wait; return how many there were.

        May be done beside a collector that works on this spool. Raises SpoolError.
        """
        try:
            again = sorted(_batches(self.refused)) if self.refused.is_dir() else []
            for path in again:
                path.rename(self.directory / path.name)
            for directory in (self.directory, self.refused) if again else ():
                sync_directory(directory)
        except OSError as error:
            raise SpoolError(
                f"{self.refused} cannot be emptied: {error.strerror}; do this as root, or as the collector's user"
            ) from error
        return len(again)

    def state(self) -> SpoolState:
        """Return the state of the spool now."""
        paths = [segment.path for segment in self.segments()]
        sizes = [size for path in paths if (size := _size(path, -1)) >= 0]
        oldest = 0.0
        with suppress(FileNotFoundError, IndexError):  # shipped meanwhile, or nothing there
            oldest = max(0.0, time.time() - paths[0].stat().st_mtime)
        refused, damaged = (len(list(_batches(place))) for place in (self.refused, self.damaged))
        return SpoolState(len(sizes), sum(sizes), oldest, refused, damaged)

    def _fits(self, size: int) -> bool:
        if self.most_bytes is None or self._held + size <= self.most_bytes:
            return True
        self._count()  # somebody may have made room by hand
        return self._held + size <= self.most_bytes

    def _hold(self, name: str, size: int) -> None:
        with self._lock:
            self._held += size - self._sizes.get(name, 0)
            self._sizes[name] = size

    def _release(self, name: str) -> None:
        with self._lock:
            self._held -= self._sizes.pop(name, 0)

    def _count(self) -> list[str]:
        """Count the files of the spool; return their names."""
        with self._lock:
            self._sizes = {path.name: _size(path) for path in self._files()}
            self._held = sum(self._sizes.values())
            return list(self._sizes)

    def _files(self) -> Iterator[Path]:
        for directory in (self.directory, self.refused, self.damaged):
            if directory.is_dir():
                yield from _batches(directory)

    def _move(self, segment: Segment, directory: Path) -> None:
        segment.path.rename(directory / segment.path.name)
        sync_directory(directory)


def _batches(directory: Path) -> Iterator[Path]:
    return (path for path in directory.iterdir() if _NAME.fullmatch(path.name))


def _size(path: Path, missing: int = 0) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return missing
