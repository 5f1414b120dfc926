"""Files through inspection and metering, with a ledger that must balance."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from caudal.collector.files.inspection import Inspection
from caudal.collector.files.meterfiles import meter_captures
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.contract import batch
from tests.support.builders import SmallTable

FILES = Path(__file__).parents[2] / "data" / "field"
# Traffic of these files: home and whom it talks with.
HOME = ("198.51.100.0/24", "2001:db8:1::/48")
TABLE = SmallTable(
    ("203.0.113.0/24", "US", 64496, "cloud"),
    ("192.0.2.0/24", "BR", 64499, "database"),
    ("198.51.100.0/24", "CL", 64500, "database"),
    ("2001:db8::/32", "CL", 64501, "database"),
)


def balance(counts: dict[str, int]) -> None:
    """Fail unless every record of a ledger is somewhere, once."""
    assert batch.balanced(counts), counts


def inspected(*paths: Path) -> tuple[list[dict[str, Any]], dict[str, int], list[str]]:
    """Return the flow records of files, the ledger, and what was damaged."""
    inspection = Inspection()
    records: list[dict[str, Any]] = [record for path in paths for record in inspection.records(path)]
    balance(inspection.totals())
    return records, inspection.totals(), inspection.damage


def metered(*paths: Path, **options: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Return the bytes by direction that files come to, and the ledger."""
    pipeline = Pipeline(
        economy="CL",
        home=HOME,
        table=TABLE,  # type: ignore[arg-type]
        window_seconds=300,
        k=1,
        **options,
    )
    parts = list(meter_captures(paths, pipeline))
    ledger = pa.concat_tables([rows for _, rows in parts])
    counts = {name: pc.sum(ledger[name]).as_py() or 0 for name in batch.LEDGER_COUNTS}
    balance(counts)
    flows = pa.concat_tables([flows for flows, _ in parts])
    sums = flows.group_by("direction").aggregate([("bytes", "sum")])
    return dict(zip(sums["direction"].to_pylist(), sums["bytes_sum"].to_pylist(), strict=True)), counts
