"""The condition of one exporter: what it sends, what becomes of its records, and what is wrong with it."""

from dataclasses import asdict, dataclass
from typing import Any

from caudal.collector.signs.signs import Sign


@dataclass(frozen=True)
class Condition:
    """The condition of an exporter, under its name outside, with its counts.

    `counts` are those of the ledger since the start, `lately` those of the last `lately_seconds`. `last_ms` is when it was
    heard last (ms since 1970; 0 for never), `direction_bytes` the bytes counted so far, corrected for sampling, by
    direction. `clock_seconds` is how far its clock is ahead of this machine's, the median of late; None if it tells no time.
    `rate_from` says how most sampling rates of late were known, and is empty where there were none.
    """

    name: str
    configured: bool
    is_interface: bool
    datagrams: int
    last_ms: int
    protocols: list[str]
    templates: int
    lowest_rate: float
    highest_rate: float
    rate_from: str
    mbit_per_second: float
    records_per_second: float
    lately_seconds: float
    waiting_sets: int
    waiting_seconds: float
    clock_seconds: float | None
    clock_last_seconds: float | None
    interfaces: int
    without_interface: int
    direction_bytes: dict[str, int]
    counts: dict[str, int]
    lately: dict[str, int]
    signs: tuple[Sign, ...] = ()

    @property
    def needs_attention(self) -> bool:
        """True if something is to be done about the exporter."""
        return any(sign.needs_attention for sign in self.signs)

    @property
    def lost_share(self) -> float:
        """The share of the records or datagrams sent lately, as the exporter counts them, that never arrived."""
        shares = [0.0]
        for lost, came in (("lost", "received"), ("lost_datagrams", "datagrams")):
            missing = self.lately[lost]
            if missing > 0:
                shares.append(missing / (missing + self.lately[came]))
        return max(shares)

    @property
    def plain(self) -> dict[str, Any]:
        """The condition as values that JSON has; of the counts those that are not 0."""
        values = asdict(self) | {"needs_attention": self.needs_attention, "lost_share": self.lost_share}
        values = {name: _rounded(value) for name, value in values.items()}
        for name in ("counts", "lately"):
            values[name] = {count: number for count, number in values[name].items() if number}
        return values


def summary(conditions: list[Condition], shown: int = 5) -> str:
    """Return one line that names the exporters needing attention, and why: `1 of 3 routers needs attention: core-2 (silent).`"""
    sick = [each for each in conditions if each.needs_attention]
    count = len(conditions)
    if not count:
        return "No router was heard yet."
    if not sick:
        return f"None of {count} routers needs attention." if count > 1 else "The router needs no attention."
    why = "; ".join(f"{each.name} ({', '.join(_kinds(each))})" for each in sick[:shown])
    more = f"; and {len(sick) - shown} more" if len(sick) > shown else ""
    verb = "needs" if len(sick) == 1 else "need"
    which = "The router" if count == 1 else f"{len(sick)} of {count} routers"
    return f"{which} {verb} attention: {why}{more}."


def _rounded(value: object) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _kinds(condition: Condition) -> list[str]:
    kinds = (sign.kind.replace("_", " ") for sign in condition.signs if sign.needs_attention)
    return list(dict.fromkeys(kinds))
