"""Waiting for something to be so: by looking again and again, for far longer than any machine needs.

`PATIENCE_SECONDS` is a bound after which something hangs, and no measure of anything: a test passes as soon as what it
waits for is there, and fails late rather than on a machine that is busy.
"""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 600.0
_PAUSE_SECONDS = 0.005


def wait_until(true: Callable[[], bool], what: Callable[[], str] = lambda: "") -> None:
    """Look again and again until it is true; fail, with what `what` says, where it never becomes so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > until:
            raise AssertionError(f"what was waited for did not come {what()}".rstrip())
        time.sleep(_PAUSE_SECONDS)
