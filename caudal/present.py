"""Answers as tables for people who look rather than read."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_TOP = 12
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
SYNTHETIC_NOTE = "synthetic: made by a traffic model, not metered"


def size(octets: float) -> str:
    """Return a number of bytes in decimal units, three digits or so."""
    for unit in _UNITS:
        if abs(octets) < 1000 or unit == _UNITS[-1]:
            return f"{octets:.0f} {unit}" if unit == "B" else f"{octets:.3g} {unit}"
        octets /= 1000
    raise AssertionError


def figure(value: float | None) -> str:
    """Return a figure as a table shows it."""
    if value is None:
        return "–"
    return (
        f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
    )


def show_meter(console: Console, answer: Mapping[str, Any]) -> None:
    """Show what `caudal meter` found."""
    counts = answer["ledger"]["counts"]
    title = f"{answer['economy']} · {', '.join(answer['months']) or 'no flows'}"
    console.print(Text(title + (f" · {SYNTHETIC_NOTE}" if answer["synthetic"] else ""), style="bold"))
    if answer["total"] is None:
        console.print("Nothing was metered: the ledger below says what became of what was read.")
    else:
        names = {
            "platform": "Platform",
            "control": "Controlled from",
            "country": "Located in",
            "direction": "Direction",
        }
        for group, heading in names.items():
            console.print(_group_table(heading, answer["by"][group]))
        left = next((row["share"] for row in answer["by"]["direction"] if row["direction"] == "transit"), 0.0)
        if left > 0.5:
            console.print(
                f"[yellow]{left:.0%} of the bytes are between addresses that are both not home: check --home.[/yellow]"
            )
        months = answer["months"]
        console.print(indicator_table(answer["indicators"], months, synthetic=answer["synthetic"]))
    console.print(ledger_table(counts, balanced=answer["ledger"]["balanced"]))


def _group_table(heading: str, rows: list[Mapping[str, Any]]) -> Table:
    table = Table(title=None, header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(heading, min_width=34)
    for name in ("bytes", "95 % interval (sampling)", "share", "packets", "flows"):
        table.add_column(name, justify="right")
    for row in rows[:_TOP]:
        name = row.get("platform_name") or next(str(v) for v in row.values() if isinstance(v, str))
        table.add_row(
            {"": "(unknown)", "ZZ": "(unknown)"}.get(name, name),
            size(row["bytes"]),
            f"{size(row['bytes_low'])} – {size(row['bytes_high'])}",
            f"{row['share']:.1%}" if row["share"] is not None else "–",
            f"{row['packets']:,.0f}",
            f"{row['flows']:,}",
        )
    if len(rows) > _TOP:
        rest = rows[_TOP:]
        share = sum(row["share"] or 0 for row in rest)
        table.add_row(
            f"… {len(rest)} more", size(sum(row["bytes"] for row in rest)), "", f"{share:.1%}", "", ""
        )
    return table


def indicator_table(indicators: Iterable[Mapping[str, Any]], months: list[str], *, synthetic: bool) -> Table:
    """Return a table of indicators by month: value, and its interval below it."""
    table = Table(
        title="Indicators by month: value [95 % interval]" + (f" · {SYNTHETIC_NOTE}" if synthetic else ""),
        header_style="bold",
        row_styles=("", "dim"),
    )
    table.add_column("")
    table.add_column("indicator", min_width=30)
    for month in months:
        table.add_column(month, justify="right")
    for indicator in indicators:
        by_month = {entry["month"]: entry["observations"] for entry in indicator["months"]}
        for dimension in _dimensions(by_month):
            cells = [_cell(by_month.get(month, []), dimension) for month in months]
            name = indicator["title"] + (f": {dimension}" if dimension else "")
            table.add_row(indicator["id"], f"{name} ({indicator['unit']})", *cells)
    return table


def _dimensions(by_month: Mapping[str, list[Mapping[str, Any]]], most: int = 3) -> list[str | None]:
    """Return the dimensions to show: those of the last month, in its order, a few of them."""
    last = list(by_month.values())[-1] if by_month else []
    return [observation["dimension"] for observation in last[:most]]


def _cell(observations: list[Mapping[str, Any]], dimension: str | None) -> str:
    for observation in observations:
        if observation["dimension"] == dimension:
            if observation["value"] is None:
                return "insufficient"
            return f"{figure(observation['value'])} [{figure(observation['low'])}, {figure(observation['high'])}]"
    return "–"


def ledger_table(counts: Mapping[str, int], *, balanced: bool) -> Table:
    """Return the ledger: what became of every record."""
    table = Table(title="Ledger: what became of every record", header_style="bold", box=None, pad_edge=False)
    table.add_column("count", justify="right")
    table.add_column("of")
    always = ("datagrams", "received", "decoded", "aggregated")
    for name, count in counts.items():
        if count or name in always:
            table.add_row(f"{count:,}", name.replace("_", " "))
    table.add_row("yes" if balanced else "NO", "everything received is accounted for")
    return table
