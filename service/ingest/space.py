"""Disk space of the store, and how much a batch may need of it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from caudal.contract.batch import Batch
from caudal.service.errors import StoreFull

# Measured: windows and roll-ups of a batch whose cells are all different take 70 bytes a row, and as much again while the
# engine merges them. The rest is for what compresses worse.
_BYTES_A_ROW = 200
# A part is a directory of a dozen files; the smallest take a block of the disk each.
_BYTES_A_PART = 64 << 10
_PARTS_A_MONTH = 3
_OTHER_PARTS = 12


def need_of(batch: Batch, body: bytes, months: int) -> int:
    """Return the bytes of disk that storing a batch may take, estimated on the safe side."""
    rows = batch.flows.num_rows + batch.ledger.num_rows
    parts = _OTHER_PARTS + _PARTS_A_MONTH * months
    return int(2 * len(body) + _BYTES_A_ROW * rows + _BYTES_A_PART * parts)


class Space:
    """Watches the disk of an embedded store: below `reserve_bytes` nothing is taken.

    The reserve is what merges, vintages and keys need to go on. `free` tells the bytes free, None where nobody knows:
    then everything is let through.
    """

    def __init__(self, reserve_bytes: int, free: Callable[[], int | None]) -> None:
        self._reserve = reserve_bytes
        self._free = free

    @classmethod
    def of(cls, directory: Path | None, reserve_bytes: int) -> "Space":
        """Return the space of a directory; of a store elsewhere (None) nothing is known."""

        def free() -> int | None:
            try:
                return shutil.disk_usage(os.fspath(directory)).free if directory is not None else None
            except OSError:
                return None

        return cls(reserve_bytes, free)

    def short(self) -> int | None:
        """Return by how many bytes the reserve is not kept; None where it is."""
        free = self._free()
        return self._reserve - free if free is not None and free < self._reserve else None

    def demand(self, need: int) -> None:
        """Return if so many bytes can be written and the reserve is kept; raise StoreFull otherwise."""
        free = self._free()
        if free is not None and free < need + self._reserve:
            raise StoreFull(
                f"the store has {free >> 20} MiB of disk left, of which {self._reserve >> 20} MiB are kept in reserve; this "
                f"batch may need {max(1, need >> 20)} MiB: make room, or send smaller batches"
            )
