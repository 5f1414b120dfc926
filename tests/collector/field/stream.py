"""Datagrams through a pipeline, with what they come to and a ledger that must balance."""

from typing import Any

import pyarrow.compute as pc

from caudal.collector.pipeline.pipeline import Pipeline
from caudal.contract import batch
from tests.support.builders import NOW_MS, ROUTER, lot

from .balanced import HOME, TABLE, balance


class Stream:
    """A pipeline that hears exporters; `exporter` is the number of the one that is heard unless another is named."""

    def __init__(self, **options: Any) -> None:
        self.pipeline = Pipeline(
            economy="CL",
            home=HOME,
            table=TABLE,  # type: ignore[arg-type]
            window_seconds=300,
            k=1,
            **options,
        )
        self.exporter = self.pipeline.exporters.number(ROUTER)

    def hear(self, *payloads: bytes, seconds: int = 0, exporter: int | None = None) -> None:
        """Take datagrams that came so many seconds after NOW_MS."""
        number = self.exporter if exporter is None else exporter
        self.pipeline.datagrams(lot(payloads, number, NOW_MS + seconds * 1000))

    def sums(self) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
        """Take all windows; return (bytes, packets) by direction, and the counts of the ledger that are not zero."""
        flows, ledger = self.pipeline.take(None, str)
        counts = {name: pc.sum(ledger[name]).as_py() or 0 for name in batch.LEDGER_COUNTS}
        balance(counts)
        summed = flows.group_by("direction").aggregate([("bytes", "sum"), ("packets", "sum")])
        carried = {row["direction"]: (row["bytes_sum"], row["packets_sum"]) for row in summed.to_pylist()}
        return carried, {name: count for name, count in counts.items() if count}
