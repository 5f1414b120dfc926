"""Answers that need not be sent, or made, again: entity tags by vintage, and finished renderings in memory.

A tag is made of `Measures.state`, which names everything that an answer depends on, and of what was asked.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from fastapi import Request, Response

from caudal.service.workload.heavywork import await_other, heavy_work

_A_YEAR = 365 * 24 * 3600
Kept = TypeVar("Kept")


def entity_tag(state: str, *asked: object) -> str:
    """Return the entity tag of an answer: of the state it depends on, and of the question (path, format, language …)."""
    return f'"{sha256(repr((state, *asked)).encode()).hexdigest()[:32]}"'


def cache_headers(tag: str, *, fixed: bool = False) -> dict[str, str]:
    """Return the headers of an answer with a tag; `fixed` where a vintage was asked for by its name.

    What names no vintage is asked for again each time, and answered with 304 while nothing is new.
    """
    control = f"public, max-age={_A_YEAR}, immutable" if fixed else "public, no-cache"
    return {"ETag": tag, "Cache-Control": control, "Vary": "Accept, Accept-Language"}


def not_modified(request: Request, tag: str, *, fixed: bool = False) -> Response | None:
    """Return a 304 where the request says that it has the answer of this tag; None where it has not."""
    known = request.headers.get("if-none-match", "")
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    if tag not in tags and "*" not in tags:
        return None
    return Response(status_code=304, headers=cache_headers(tag, fixed=fixed))


class Flights:
    """Heavy work that several ask for at once is done by one of them, in its turn; the others wait for it."""

    def __init__(self) -> None:
        self._running: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def once(self, name: str, find: Callable[[], Kept | None], make: Callable[[], Kept]) -> Kept:
        """Return the answer that `find` finds, or the one that `make` makes and keeps for it; raise Busy where too many wait.

        Where whoever makes it fails or leaves, the next one makes it.
        """
        while True:
            found = find()
            if found is not None:
                return found
            with self._lock:
                other = self._running.get(name)
                if other is None:
                    finished = self._running[name] = threading.Event()
                    break
            await_other(other)
        try:
            with heavy_work():
                # Another may have finished it between the look and the turn.
                found = find()
                return make() if found is None else found
        finally:
            with self._lock:
                del self._running[name]
            finished.set()


class Renderings:
    """Finished answers by their tag, the most recently used ones, up to so many bytes; safe between threads."""

    def __init__(self, most_bytes: int = 64 << 20) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._flights = Flights()

    def get(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """Return the answer of a tag, made if it is not there: once, whoever asks meanwhile; as heavy work."""
        return self._flights.once(tag, lambda: self._find(tag), lambda: self._keep(tag, make()))

    def _find(self, tag: str) -> bytes | None:
        with self._lock:
            if tag in self._kept:
                self._kept.move_to_end(tag)
                return self._kept[tag]
        return None

    def _keep(self, tag: str, made: bytes) -> bytes:
        with self._lock:
            if tag not in self._kept and len(made) <= self._most:
                self._kept[tag] = made
                self._size += len(made)
                while self._size > self._most:
                    self._size -= len(self._kept.popitem(last=False)[1])
        return made

    def __len__(self) -> int:
        return len(self._kept)
