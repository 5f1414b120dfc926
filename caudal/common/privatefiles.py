"""Files that are for nobody else on the machine: what service and collector write, whatever umask they were started with."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caudal.common.logline import quoted

_log = logging.getLogger(__name__)
_OTHERS = 0o007


@contextmanager
def private_files() -> Iterator[None]:
    """Keep what the process writes within from everybody but its user; the umask is put back at the end."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def warn_if_open(directory: Path) -> None:
    """Warn in the log that everybody on the machine may enter a directory that holds private files, with what to do.

    It is said and not mended: a directory that was there before may be somebody else's as well, `/tmp` for instance.
    """
    if directory.stat().st_mode & _OTHERS:
        _log.warning("others on this machine may enter %s; chmod 700 it", quoted(directory))
