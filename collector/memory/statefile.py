"""The file that keeps what exporters taught us: written whole or not at all, and checked when read.

The first line is a JSON object: format, version, and the SHA-256 of all that follows. Each further line is
one exporter: its pseudonym, when it was seen last (milliseconds since 1970 UTC), and its state as JSON,
separated by tabs. It holds no address and no name.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from caudal.collector.errors import StateError
from caudal.common.durable import replace_synced, sync_directory
from caudal.common.errors import Unreadable

FORMAT = "caudal exporters"
VERSION = 2  # of 1, templates lack elements that are read now
_MOST_OCTETS = 256 << 20


class Entry(NamedTuple):
    """An entry of the state file: when an exporter was seen last (ms since 1970), and its state as JSON."""

    seen_ms: int
    state: str


class DamagedState(Unreadable):
    """A state file that cannot be used; the message says why."""


def encode(entries: Iterable[tuple[str, Entry]]) -> bytes:
    """Return the content of a file that holds these exporters by pseudonym."""
    body = "".join(f"{name}\t{entry.seen_ms}\t{entry.state}\n" for name, entry in entries).encode()
    head = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(head).encode() + b"\n" + body


def decode(content: bytes) -> dict[str, Entry]:
    """Read what `encode` made; raises DamagedState if it is anything else."""
    first, _, body = content.partition(b"\n")
    try:
        head = json.loads(first)
        form, version, digest = head["format"], head["version"], head["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedState("it has no head") from None
    if (form, version) != (FORMAT, VERSION):
        raise DamagedState(f"it is of version {version}, this collector reads {VERSION}")
    if hashlib.sha256(body).hexdigest() != digest:
        raise DamagedState("it is not what was written")
    entries = {}
    try:
        for line in body.decode().splitlines():
            name, seen_ms, state = line.split("\t")
            entries[name] = Entry(int(seen_ms), state)
    except ValueError:
        raise DamagedState("a line of it cannot be read") from None
    return entries


def write(path: Path, content: bytes) -> None:
    """Put `content` in the place of the file; when this returns it survives a crash. Raises StateError."""
    try:
        replace_synced(path, content)
        sync_directory(path.parent)
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}; templates would have to come again after a restart"
        ) from error


def read(path: Path) -> dict[str, Entry]:
    """Read the file, where there is one; a file that cannot be used is set aside and DamagedState raised."""
    path.with_suffix(".partial").unlink(missing_ok=True)
    try:
        if path.stat().st_size > _MOST_OCTETS:
            raise DamagedState("it is larger than any that is written")
        return decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except DamagedState:
        path.rename(set_aside(path))
        raise


def set_aside(path: Path) -> Path:
    """Return the path that a file which cannot be used is moved to."""
    return path.with_suffix(".damaged")
