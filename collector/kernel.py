"""Kernels: the loops that touch every record, compiled to machine code."""

import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# systemd's CacheDirectory; it must be said before numba is imported.
if "CACHE_DIRECTORY" in os.environ:
    os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(os.environ["CACHE_DIRECTORY"], "kernels"))  # noqa: PTH118

import numba  # noqa: E402

kernels: list["numba.core.dispatcher.Dispatcher"] = []


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function compiled when it is first called with arguments of some types.

    What is compiled is kept on disk: beside the source, else in the user's cache directory or the one that
    systemd gives; where none can be written, it is compiled anew in every process. Kernels do not check
    bounds, and mix signed and unsigned 64-bit numbers only with explicit casts: numba makes floats of both.
    """
    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no directory to keep it in
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    kernels.append(compiled)
    return compiled  # type: ignore[no-any-return]
