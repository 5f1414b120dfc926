"""Kernels: the loops that touch every record, compiled to machine code."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_DAYS_KEPT = 7


def _directory() -> Path | None:
    """Return the directory of compiled kernels, made if need be; None if there is no place that only we can write to.

    It is systemd's cache directory, else the user's. Its name says of which sources: numba itself looks only
    at the file of a kernel, not at those of the kernels called and the constants named in it.
    """
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
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


_kept_in = _directory()
if _kept_in is not None:
    os.environ["NUMBA_CACHE_DIR"] = str(_kept_in)  # before numba is imported

import numba  # noqa: E402

kernels: list["numba.core.dispatcher.Dispatcher"] = []


def compiled_before() -> bool:
    """Return True if an earlier process compiled the kernels and kept them; compiling takes half a minute."""
    return _kept_in is not None and next(_kept_in.rglob("*.nbi"), None) is not None


def kept_in() -> str:
    """Return the place of compiled kernels in words."""
    return str(_kept_in) if _kept_in is not None else "memory only: no cache directory may be written to"


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function compiled when it is first called with arguments of some types.

    What is compiled is kept on disk for the next process. Kernels do not check bounds, and mix signed and
    unsigned 64-bit numbers only with explicit casts: numba makes floats of both.
    """
    compiled = numba.njit(cache=_kept_in is not None, nogil=True, error_model="numpy")(function)
    kernels.append(compiled)
    return compiled  # type: ignore[no-any-return]
