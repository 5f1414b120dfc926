"""Readiness of the service: looked up by a thread of its own, answered within a moment whatever else goes on."""

import asyncio
import time
from collections.abc import Callable

import anyio
import anyio.to_thread

import caudal
from caudal.service.answers.answers import Health
from caudal.service.errors import ServiceError
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import Migration, pending
from caudal.service.problem import Problem
from caudal.service.store.referencerows import reference_in_force
from caudal.service.store.store import Store

# A look that takes longer is not waited for, and what the last one said counts while it is not older than that.
_PATIENCE_SECONDS = 5.0
_LAST_SECONDS = 30.0


def look(store: Store, ingest: Ingest, migrations: tuple[Migration, ...]) -> Health:
    """Return the health of the service; raise Problem saying why it cannot work: the store, the reference or the disk."""
    try:
        left = pending(store, migrations)
        version = reference_in_force(store)
        quarantined = 0 if left else ingest.quarantined()
        if not left:
            ingest.check_answers()
    except ServiceError as error:
        raise Problem("not-ready", "the store does not answer; the log says why") from error
    if left:
        names = ", ".join(migration.name for migration in left)
        raise Problem("not-ready", f"migrations are still to apply: {names}; start the service again")
    if version is None:
        raise Problem("not-ready", "no reference data is loaded; start the service again")
    short = ingest.short_of_space()
    if short is not None:
        raise Problem(
            "not-ready",
            f"the disk of the store lacks {max(1, short >> 20)} MiB to the reserve of [storage]; make room: no batch "
            "is taken until then",
        )
    details: dict[str, str | int] = {"migrations": len(migrations), "reference_version": version}
    return Health(version=caudal.__version__, details={**details, "quarantined": quarantined})


class Readiness:
    """Answers what `look` returns or raises; those who ask while it looks are answered with them who asked first."""

    def __init__(self, look: Callable[[], Health]) -> None:
        self._look = look
        self._thread = anyio.CapacityLimiter(1)
        self._looking: asyncio.Task[None] | None = None
        self._last: Health | Problem | None = None
        self._at = 0.0

    async def state(self) -> Health:
        """Return the health of the service; raise Problem where it cannot work, or does not say so for too long."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._renew())
        await asyncio.wait({self._looking}, timeout=_PATIENCE_SECONDS)
        age = time.monotonic() - self._at
        if self._last is None or age > _LAST_SECONDS:
            raise Problem(
                "not-ready", "the store has not answered for some time; look at the log and at the disk"
            )
        if isinstance(self._last, Problem):
            raise self._last
        return self._last

    async def _renew(self) -> None:
        try:
            self._last = await anyio.to_thread.run_sync(self._look, limiter=self._thread)
        except Problem as problem:
            self._last = problem
        self._at = time.monotonic()
