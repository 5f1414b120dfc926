"""What a store says, in full and exactly: two stores are the same where these are."""

from typing import Any

from caudal.contract.batch import FLOWS, LEDGER
from caudal.service.queries import (
    economies_with_data,
    ledger,
    month_facts,
    months_with_data,
    reporting_operators,
)
from caudal.service.queries.flows import FlowQuery, flows
from caudal.service.queries.months import region_flows, synthetic_batches
from caudal.service.store.store import Store
from tests.support.samples import NOW

_SENDER = ("economy", "operator", "collector")
_KEYS = {
    "flow": (
        "time",
        *_SENDER,
        *(c.name for c in FLOWS if c.kind == "key" and not c.name.startswith("window")),
    ),
    "ledger": ("time", *_SENDER, "exporter"),
}
_SUMS = {
    "flow": ("bytes", "packets", "flows", "bytes_variance"),
    "ledger": tuple(c.name for c in LEDGER if c.kind == "sum"),
}


def snapshot(store: Store) -> dict[str, Any]:
    """Return every roll-up cell by cell, every window row, and the answers that say what data there are."""
    said: dict[str, Any] = {}
    for table in ("flow_hour", "flow_day", "flow_month", "ledger_day"):
        kind = table.partition("_")[0]
        keys = ", ".join(f"f.{name}" for name in _KEYS[kind])
        sums = ", ".join(f"toString(sum(f.{name}))" for name in _SUMS[kind])
        anything = " OR ".join(f"sum(f.{name}) != 0" for name in _SUMS[kind])
        said[table] = store.frame(
            f"SELECT {keys}, {sums} FROM {table} AS f GROUP BY {keys} HAVING {anything} ORDER BY {keys}"
        ).rows()
    for table in ("flow_window", "ledger_window"):
        said[table] = sorted(store.frame(f"SELECT * FROM {table}").rows())
    said["batch"] = store.frame(
        "SELECT * REPLACE (toString(flows) AS flows, toString(bytes) AS bytes, toString(packets) AS packets) "
        "FROM batch_counted ORDER BY batch_id"
    ).rows()
    economies = economies_with_data(store)
    said["economies"] = economies.rows()
    for economy in economies["economy"]:
        months = months_with_data(store, economy)
        start, end = (
            NOW.replace(year=2025, month=1, day=1, hour=0, minute=0, second=0),
            NOW.replace(year=2028, month=1, day=1, hour=0, minute=0, second=0),
        )
        said[economy] = {
            "months": months,
            "facts": [month_facts(store, economy, month).rows() for month in months],
            "region": [region_flows(store, [economy], month, made_up=True).rows() for month in months],
            "metered": [region_flows(store, [economy], month, made_up=False).rows() for month in months],
            "operators": reporting_operators(store, economy, start, end),
            "synthetic": synthetic_batches(store, economy),
            "ledger": ledger(store, economy, start, end, "month").rows.rows(),
            "flows": flows(
                store, FlowQuery((economy,), start, end, ("month", "operator", "platform"))
            ).rows.rows(),
        }
    return said
