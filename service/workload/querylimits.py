"""Limits of one question to the store, kept by ClickHouse itself."""

from dataclasses import dataclass

# The codes of ClickHouse's errors for a question that reached a limit, and what was reached.
REACHED = {
    158: "rows read",
    159: "time",
    160: "time",
    241: "memory",
    307: "bytes read",
    396: "rows of the answer",
}


@dataclass(frozen=True)
class QueryLimits:
    """Seconds, bytes of memory, rows read and rows answered of one SELECT."""

    seconds: float = 30.0
    memory_bytes: int = 2 << 30
    rows_read: int = 2_000_000_000
    rows_answered: int = 5_000_000

    @property
    def settings(self) -> dict[str, object]:
        """The limits as settings of a query."""
        return {
            "max_execution_time": self.seconds,
            "max_memory_usage": self.memory_bytes,
            "max_rows_to_read": self.rows_read,
            "max_result_rows": self.rows_answered,
            "result_overflow_mode": "throw",
        }
