"""Files and standard output of commands: what is written is whole and on the disk, or there is an error."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from caudal.common.durable import sync_directory
from caudal.common.errors import CaudalError

STANDARD_OUTPUT = "-"


class UnwrittenError(CaudalError):
    """A file that a command was to write is not there, or not whole: why, and what to do."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to that takes the place of `path` in the end; what was there before stays until then.

    It is written beside `path` under a name that no other command uses, brought to the disk, and renamed, so that a
    disk that fills, a kill or a power cut leave the old file or none. Whom it is readable by is the umask's to say.
    Raises UnwrittenError.
    """
    unfinished = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.unfinished")
    try:
        try:
            with unfinished.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            _keep_name(path.parent)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise UnwrittenError(f"{path} cannot be written: {error.strerror}; give another file") from error


@contextmanager
def whole_output() -> Iterator[BinaryIO]:
    """Give standard output to write to, and have all of it handed on in the end; raises UnwrittenError."""
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        _leave_output()
        raise UnwrittenError("standard output was closed before everything was written") from error
    except OSError as error:
        _leave_output()
        raise UnwrittenError(
            f"standard output cannot be written: {error.strerror}; give a file elsewhere with --output"
        ) from error


def write_whole(path: Path | None, content: bytes) -> None:
    """Write bytes to a file, or to standard output where `path` is None or "-"; raises UnwrittenError."""
    with whole_output() if path is None or str(path) == STANDARD_OUTPUT else whole_file(path) as file:
        file.write(content)


def _keep_name(directory: Path) -> None:
    # Not every file system can do it; the bytes themselves are on the disk.
    with suppress(OSError):
        sync_directory(directory)


def _leave_output() -> None:
    """Have what is still buffered go nowhere: the interpreter would try again at its end, and fail in its own words."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
