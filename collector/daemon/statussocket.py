"""Asking a running collector how it is, over a socket in its state directory."""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from caudal.collector.errors import StateError

log = logging.getLogger(__name__)

_NAME = "status.sock"
_PATIENCE_SECONDS = 5.0
_MOST_OCTETS = 64 << 20

Report = Callable[[], Mapping[str, Any]]


class StatusSocket:
    """Answers every connection with what `report` says, as one JSON object, from a thread of its own.

    Whoever may enter the state directory may ask; there is nothing to change through it.
    """

    def __init__(self, directory: Path, report: Report) -> None:
        self._directory = directory
        self._report = report
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._thread = threading.Thread(target=self._serve, name="status", daemon=True)
        self._stopping = False

    def __enter__(self) -> Self:
        try:
            (self._directory / _NAME).unlink(missing_ok=True)
            with _short(self._directory) as place:
                self._socket.bind(place)
            (self._directory / _NAME).chmod(0o600)
            self._socket.listen(8)
        except OSError as error:
            self._socket.close()
            raise StateError(
                f"{self._directory / _NAME} cannot be made: {error.strerror}; correct `state_directory` or its owner"
            ) from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join(_PATIENCE_SECONDS)
        self._socket.close()
        with suppress(OSError):
            (self._directory / _NAME).unlink()

    def _serve(self) -> None:
        while not self._stopping:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer, suppress(OSError):
                peer.settimeout(_PATIENCE_SECONDS)
                peer.sendall(self._answer())

    def _answer(self) -> bytes:
        try:
            return json.dumps(self._report()).encode()
        except Exception:  # who asks next is answered, whatever it was
            log.exception("what the collector is asked cannot be said")
            return b""


def ask(directory: Path) -> dict[str, Any]:
    """Return the status that the collector on this state directory answers; raise StateError if none answers."""
    content = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer, _short(directory) as place:
            peer.settimeout(_PATIENCE_SECONDS)
            peer.connect(place)
            while (chunk := peer.recv(1 << 16)) and len(content) < _MOST_OCTETS:
                content += chunk
        answer: dict[str, Any] = json.loads(content)
    except PermissionError as error:
        raise StateError(
            f"{directory / _NAME} may not be opened; ask as root, or as the user that the collector runs as"
        ) from error
    except (OSError, ValueError) as error:
        raise StateError(
            f"no collector answers on {directory}; start one with `caudal collect --config`, or name the settings "
            "of the one that runs"
        ) from error
    return answer


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    """Give the socket a path that is short whatever the directory's: the kernel takes 107 octets."""
    handle = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{_NAME}"
    finally:
        os.close(handle)
