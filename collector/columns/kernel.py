"""Kernels: the loops that touch every record, compiled to machine code.

Nothing is compiled, loaded or created before a kernel is first called.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from caudal import collector

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["compiled_before", "kept_in", "kernel", "kernels", "numba"]

_DAYS_KEPT = 7


@contextmanager
def _without_scipy() -> Iterator[None]:
    """Have numba find no scipy: it would import a third of a second of it, for linear algebra that no kernel does."""
    if "scipy" in sys.modules:
        yield
        return
    sys.modules["scipy"] = None  # type: ignore[assignment]  # whoever imports it is told that it is missing
    try:
        yield
    finally:
        del sys.modules["scipy"]


with _without_scipy():
    import numba
    from numba.core.caching import NullCache

kernels: list["numba.core.dispatcher.Dispatcher"] = []


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function compiled when it is first called with arguments of some types.

    What is compiled is kept on disk for the next process. Kernels do not check bounds, and mix signed and
    unsigned 64-bit numbers only with explicit casts: numba makes floats of both.
    """
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    compiled._cache = _Unopened(compiled)
    kernels.append(compiled)
    return compiled  # type: ignore[no-any-return]


def compiled_before() -> bool:
    """Return True if an earlier process compiled the kernels and kept them; compiling takes half a minute."""
    directory = _directory()
    return directory is not None and next(directory.rglob("*.nbi"), None) is not None


def kept_in() -> str:
    """Return the place of compiled kernels in words."""
    directory = _directory()
    return str(directory) if directory is not None else "memory only: no cache directory may be written to"


class _Unopened(NullCache):  # type: ignore[misc]  # numba has no types
    """Stands for the cache of a kernel until it is called: to open one makes its directory."""

    def __init__(self, compiled: "numba.core.dispatcher.Dispatcher") -> None:
        self._compiled = compiled

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Open the cache in the place of this one, and return what it holds; None where nothing may be kept."""
        _import_the_rest()
        directory = _directory()
        if directory is None:
            self._compiled._cache = NullCache()
            return None
        numba.config.CACHE_DIR = str(directory)
        self._compiled.enable_caching()
        return self._compiled._cache.load_overload(sig, target_context)


@cache
def _import_the_rest() -> None:
    """Import what numba imports before it compiles or loads anything."""
    with _without_scipy():
        import_module("numba.np.arraymath")


@cache
def _directory() -> Path | None:
    """Return the directory of compiled kernels, made if need be; None if there is no place that only we can write to.

    It is systemd's cache directory, else the user's. Its name says of which sources: numba itself looks only
    at the file of a kernel, not at those of the kernels called and the constants named in it.
    """
    sources = hashlib.sha256()
    for path in sorted(Path(collector.__file__).parent.rglob("*.py")):
        sources.update(path.read_bytes())
    given = os.environ.get("CACHE_DIRECTORY") or os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(given or Path.home() / ".cache") / "caudal"
        own = base / f"kernels-{sources.hexdigest()[:16]}"
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = own.stat()
        if about.st_uid != os.geteuid() or about.st_mode & 0o022 or not os.access(own, os.W_OK):
            return None
        os.utime(own)
        for other in base.glob("kernels-*"):
            if other.stat().st_mtime < time.time() - _DAYS_KEPT * 86_400:
                shutil.rmtree(other, ignore_errors=True)
    except (OSError, RuntimeError):
        return None
    return own
