"""The lock on a state directory, which lets one collector at a time work on it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from caudal.collector.errors import StateError
from caudal.common.privatefiles import warn_if_open

_NAME = "lock"


class StateLock:
    """Holds a state directory while in use as a context manager; the kernel lets go of it when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handle = -1

    def __enter__(self) -> Self:
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            warn_if_open(self._directory)
            handle = os.open(self._directory / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"{self._directory} cannot be used: {error.strerror}; correct `state_directory` or its owner"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _process(handle)
            os.close(handle)
            raise StateError(
                f"{self._directory} is in use by another collector{owner}; stop that one, or give this one another "
                "`state_directory`"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)


def holder(directory: Path) -> int | None:
    """Return the process that holds a state directory, None if none does."""
    try:
        handle = os.open(directory / _NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(handle, 20, 0)
        return int(text) if text.isdigit() else 0
    finally:
        os.close(handle)
    return None


def _process(handle: int) -> str:
    text = os.pread(handle, 20, 0)
    return f" (process {text.decode()})" if text.isdigit() else ""
