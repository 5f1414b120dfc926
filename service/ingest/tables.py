"""The tables a batch goes to: which columns, how long their slots are, how they are partitioned, what is summed.

What is summed is whole: bytes, packets, flows and counts in 128 bits, the variance in 256, rounded down row by row. So no
sum wraps, no order of adding matters, and what is taken back leaves nothing behind.
"""

from dataclasses import dataclass

from caudal.contract.batch import FLOWS, LEDGER, Column

SENDER = ("economy", "operator", "collector")
_OUTSIDE_ROLLUPS = ("window_start", "window_seconds")


@dataclass(frozen=True)
class Stream:
    """A stream of a batch: its columns, and the table in memory in which its rows wait."""

    name: str
    columns: tuple[Column, ...]

    @property
    def incoming(self) -> str:
        """The staging table."""
        return f"{self.name}_incoming"

    @property
    def window(self) -> str:
        """The table that has the rows as they came."""
        return f"{self.name}_window"


@dataclass(frozen=True)
class RollUp:
    """A table of sums by slots of time: SQL of the slot of `window_start`, and of the partition of a slot."""

    table: str
    stream: Stream
    slot: str
    partition: str

    @property
    def partition_of_row(self) -> str:
        """SQL of the id of the partition that a staged row is summed into."""
        return f"toString({self.partition}({self.slot}))"

    def keys(self, present: frozenset[str]) -> tuple[str, ...]:
        """The columns of the stream that tell sums apart, of those that the table has."""
        return tuple(
            c.name
            for c in self.stream.columns
            if c.kind == "key" and c.name not in _OUTSIDE_ROLLUPS and c.name in present
        )

    def sums(self, present: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """The columns that are summed, of those that the table has, and SQL of what is summed for each."""
        return tuple(
            (c.name, _summed(c)) for c in self.stream.columns if c.kind == "sum" and c.name in present
        )


def _summed(column: Column) -> str:
    """Return SQL of a column of a staged row as roll-ups add it up: whole numbers of the width that it declares."""
    if column.clickhouse == "Float64":
        # One without an end, which a batch must not have, is cut: no statement may fail of it.
        return f"to{column.summed}(floor(least(s.{column.name}, 1e60)))"
    return f"to{column.summed}(s.{column.name})"


FLOW = Stream("flow", FLOWS)
OF_LEDGER = Stream("ledger", LEDGER)
STREAMS = (FLOW, OF_LEDGER)
_HOUR = "toStartOfHour(s.window_start)"
_DAY = "toStartOfDay(s.window_start)"
_MONTH = "toDateTime(toStartOfMonth(s.window_start), 'UTC')"
ROLL_UPS = (
    RollUp("flow_hour", FLOW, _HOUR, "toYear"),
    RollUp("flow_day", FLOW, _DAY, "toYear"),
    RollUp("flow_month", FLOW, _MONTH, "toYear"),
    RollUp("ledger_day", OF_LEDGER, _DAY, "toYear"),
)
# What the journal has marks of.
MARKED = (*(stream.window for stream in STREAMS), *(roll_up.table for roll_up in ROLL_UPS))
# All that a deed writes to.
FACT_TABLES = (*MARKED, "batch", "batch_body", "batch_change", "batch_aside", "batch_pending")
