"""The sender of batches: one run of one collector, which numbers them."""

import uuid
from datetime import UTC, datetime

import pyarrow as pa

from caudal import __version__
from caudal.collector.settings.settings import CollectorSettings
from caudal.contract.batch import BatchOrigin, encode_batch


class BatchMaker:
    """A maker of batches in the name of a collector; `run` tells its runs apart. Its settings cannot change while it runs."""

    def __init__(self, settings: CollectorSettings, run: str = "") -> None:
        self._settings = settings
        self._run = run or uuid.uuid4().hex
        self._batches = 0

    def encode(self, flows: pa.Table, ledger: pa.Table) -> bytes:
        """Return flow aggregates and ledger as a batch that no other equals."""
        origin = BatchOrigin(
            collector=self._settings.collector,
            operator=self._settings.operator,
            economy=self._settings.economy,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sequence=f"{self._run}-{self._batches}",
            software=f"caudal {__version__}",
            synthetic=self._settings.synthetic,
        )
        self._batches += 1
        return encode_batch(origin, flows, ledger)
