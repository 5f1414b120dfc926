"""Core dumps: a process that holds subscribers' addresses in its memory leaves none behind."""

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Have this process, and those it starts, write no core dump to a file; nor this one to a handler of them."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A handler of core dumps gets them whatever the limit on their size.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
