"""The journal of replays, and the batches on their way to the spool: each is moved there once, whatever is killed when.

    replays/lock              held by the replay at work
    replays/000007.partial/   a replay that is metering, or was killed over it: removed by the next
    replays/000007/           one that is whole: `manifest.json`, and the batches that are not in the spool yet

A replay counts from the moment its directory loses `.partial`, which is one rename. From then on its batches are moved into
the spool one by one, each by one rename, by whoever comes first: the replay itself, the next one, or a collector that starts.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import CollectorError, SpoolError
from caudal.collector.memory.stateowner import StateOwner
from caudal.collector.receive.receivingtimes import Span
from caudal.common.durable import sync_directory, write_synced

DIRECTORY = "replays"
_MANIFEST = "manifest.json"
_PARTIAL = ".partial"
_BATCH = ".batch"
_FORMAT = "caudal replay 1"


class ReplayError(CollectorError):
    """A replay that cannot be, or must not be done again."""


@dataclass(frozen=True)
class Manifest:
    """The record of a replay: when (seconds since 1970 UTC), SHA-256 of its files, times of its datagrams by exporter.

    Exporters are named by their pseudonyms, and no name of a file is kept.
    """

    replayed: int
    digests: tuple[str, ...]
    spans: dict[str, list[Span]] = field(default_factory=dict)
    datagrams: int = 0
    batches: int = 0

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest; raise ReplayError."""
        try:
            values: dict[str, Any] = json.loads(path.read_bytes())
            if values.pop("format") != _FORMAT:
                raise ValueError("it is of another version")
            spans = {
                str(name): [Span(int(first), int(last)) for first, last in times]
                for name, times in values["spans"].items()
            }
            return cls(**{**values, "digests": tuple(values["digests"]), "spans": spans})
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ReplayError(
                f"{path} cannot be read ({error}); it says what was replayed: restore it, or remove {path.parent} and "
                "take care that nothing is replayed twice"
            ) from error

    def write(self, path: Path) -> None:
        """Write it; raises OSError."""
        write_synced(path, json.dumps({"format": _FORMAT, **asdict(self)}).encode())


class Journal:
    """The replays of a state directory; as a context manager it is the only one at work there."""

    def __init__(self, state_directory: Path) -> None:
        self.directory = state_directory / DIRECTORY
        self._owner = StateOwner(state_directory)
        self._lock = -1

    def __enter__(self) -> Self:
        try:
            self._owner.make(self.directory)
            self._lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._owner.give(self.directory / "lock")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in self.directory.glob(f"*{_PARTIAL}"):
                shutil.rmtree(left)
        except BlockingIOError:
            os.close(self._lock)
            raise ReplayError(
                f"another replay is at work in {self.directory}; wait until it is done"
            ) from None
        except OSError as error:
            raise _unusable(self.directory, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def manifests(self) -> Iterator[Manifest]:
        """Yield the records of earlier replays, the oldest first; raise ReplayError if one cannot be read."""
        for directory in _whole(self.directory):
            yield Manifest.read(directory / _MANIFEST)

    def begin(self) -> "Staging":
        """Return the staging directory in which the batches of a new replay are gathered."""
        last = max((int(path.name) for path in _whole(self.directory)), default=0)
        place = self.directory / f"{last + 1:06d}{_PARTIAL}"
        try:
            return Staging(self._owner.make(place), self._owner)
        except OSError as error:
            raise _unusable(place, error) from error


class Staging:
    """The batches of a replay that is not whole yet: none of them will be sent unless `commit` is reached."""

    def __init__(self, directory: Path, owner: StateOwner) -> None:
        self._directory = directory
        self._owner = owner
        self.batches = 0

    def add(self, body: bytes) -> None:
        """Write a batch, to survive a crash; raise SpoolError."""
        path = self._directory / f"{self.batches:06d}{_BATCH}"
        try:
            write_synced(path, body)
            self._owner.give(path)
        except OSError as error:
            raise SpoolError(
                f"{path} cannot be written: {error.strerror}; nothing of this replay was counted: make room, and repeat it"
            ) from error
        self.batches += 1

    def commit(self, manifest: Manifest) -> None:
        """Make the replay count, all of it at once; raise SpoolError."""
        path = self._directory / _MANIFEST
        try:
            manifest.write(path)
            self._owner.give(path)
            sync_directory(self._directory)
            self._directory.rename(self._directory.with_suffix(""))
        except OSError as error:
            raise SpoolError(
                f"{self._directory} cannot be written: {error.strerror}; nothing of this replay was counted: repeat it"
            ) from error
        with suppress(OSError):  # it counts from here on, whatever the disk says
            sync_directory(self._directory.parent)

    def discard(self) -> None:
        """Remove the batches gathered."""
        with suppress(OSError):
            shutil.rmtree(self._directory)


def hand_over(state_directory: Path, spool: Spool) -> int:
    """Move the batches of whole replays into the spool; return how many were moved; raise SpoolFull or SpoolError.

    May be done by a collector and by replays at once.
    """
    moved = 0
    for directory in _whole(state_directory / DIRECTORY):
        for path in sorted(directory.glob(f"*{_BATCH}")):
            try:
                spool.adopt(path)
            except SpoolError as error:
                if isinstance(error.__cause__, FileNotFoundError) and not path.exists():
                    continue  # somebody else has moved it
                raise
            moved += 1
    return moved


def _whole(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.name.isdigit())


def _unusable(path: Path, error: OSError) -> ReplayError:
    return ReplayError(
        f"{path} cannot be used: {error.strerror}; do this as root, or as the collector's user"
    )
