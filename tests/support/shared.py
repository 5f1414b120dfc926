"""What is made once for all workers of a run of pytest: by the first that needs it, while others that do wait."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the directory that `make` filled, whichever worker it was that called it.

    `make` is given a directory that exists and is empty. Where it raises, the next to ask tries again.
    """
    done = _place(factory) / f"{name}.done"
    with one_at_a_time(factory, name):
        if not done.exists():
            directory = factory.mktemp(name)
            make(directory)
            done.symlink_to(directory, target_is_directory=True)
    return done.resolve()


@contextmanager
def one_at_a_time(factory: pytest.TempPathFactory, name: str) -> Iterator[None]:
    """Keep other workers from what is called `name` as long as this one is at it."""
    with (_place(factory) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(factory: pytest.TempPathFactory) -> Path:
    """Return a directory that all workers of the run know: each has its own below that of the run."""
    own = factory.getbasetemp()
    place = (own.parent if own.name.startswith("popen-") else own) / "shared"
    place.mkdir(exist_ok=True)
    return place
