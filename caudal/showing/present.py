"""Answers as tables for people who look rather than read."""

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.service.vocabulary.dimension import words

_TOP = 12
_WIDTH = 140
_MOST_OF_REASON = 100
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
SYNTHETIC_NOTE = "synthetic: made by a traffic model, not metered"


def console(*, stderr: bool = False) -> Console:
    """Return the console to show things on: as wide as the terminal, or wide enough where there is none."""
    plain = Console(stderr=stderr)
    return plain if plain.is_terminal else Console(stderr=stderr, width=_WIDTH)


def size(octets: float, digits: int = 3) -> str:
    """Return a number of bytes in decimal units."""
    for unit in _UNITS:
        if abs(octets) < 1000 or unit == _UNITS[-1]:
            return f"{octets:.0f} {unit}" if unit == "B" else f"{octets:.{digits}g} {unit}"
        octets /= 1000
    raise AssertionError


def count(number: int) -> str:
    """Return a number in few letters: `1,234`, `12.3 k`, `4.56 M`."""
    if abs(number) < 10_000:
        return f"{number:,}"
    shortened = float(number)
    for unit in ("k", "M", "G", "T", "P", "E"):
        shortened /= 1000
        if abs(shortened) < 1000 or unit == "E":
            return f"{shortened:.3g} {unit}"
    raise AssertionError


def ago(moment: float, now: float) -> str:
    """Return the time between a moment and `now` in words, both in seconds since 1970; a moment of 0 was never."""
    return f"{span(max(0.0, now - moment))} ago" if moment else "never"


def span(seconds: float) -> str:
    """Return a length of time in the largest unit of which there are two: `3 d`, `2 min`, `90 s`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def figure(value: float | None) -> str:
    """Return a figure as a table shows it."""
    if value is None:
        return "–"
    return (
        f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
    )


def show_meter(out: Console, answer: Mapping[str, Any]) -> None:
    """Show what `caudal meter` found."""
    counts = answer["ledger"]["counts"]
    title = f"{answer['economy']} · {', '.join(answer['months']) or 'no flows'}"
    out.print(Text(title + (f" · {SYNTHETIC_NOTE}" if answer["synthetic"] else ""), style="bold"))
    if answer["total"] is None:
        out.print("Nothing was metered: the ledger below says what became of what was read.")
    else:
        names = {
            "platform": "Platform",
            "control": "Controlled from",
            "country": "Located in",
            "direction": "Direction",
        }
        for group, heading in names.items():
            out.print(_group_table(heading, answer["by"][group]))
        left = next((row["share"] for row in answer["by"]["direction"] if row["direction"] == "transit"), 0.0)
        if left > 0.5:
            out.print(
                f"[yellow]{left:.0%} of the bytes are between addresses that are both not home: check --home.[/yellow]"
            )
        months = answer["months"]
        out.print(indicator_table(answer["indicators"], months, synthetic=answer["synthetic"]))
    out.print(ledger_table(counts, balanced=answer["ledger"]["balanced"]))
    for sign in answer["signs"]:
        out.print(
            Text(f"{sign['exporter'] or 'exporter'}: {sign['sentence']}", style="yellow"), soft_wrap=True
        )
    if answer["names"]:
        out.print(_names_table(answer["names"]))
    for each in answer["unlisted_caches"]:
        out.print(
            f"[yellow]Home addresses serve {each['share']:.0%} of {each['platform']} ({size(each['home_bytes'])}), from "
            f"{', '.join(each['prefixes'])}: if caches of it stand there, list them (docs/locations.md).[/yellow]"
        )
    show_damage(out, answer["damage"])


def _names_table(names: Mapping[str, Any]) -> Table:
    """Return a table of how flows were tagged, or why they were not."""
    table = Table(title="Names (DNS, TLS, QUIC): what they told of flows", header_style="bold")
    for column in ("outcome", "flows", "bytes"):
        table.add_column(column, justify="left" if column == "outcome" else "right")
    for outcome, flows in names["flows"].items():
        if flows:
            table.add_row(outcome.replace("_", " "), f"{flows:,}", size(names["bytes"][outcome]))
    return table


def show_damage(out: Console, damage: Sequence[str]) -> None:
    """Show which files could not be read to their end."""
    for line in damage:
        out.print(f"[yellow]{line}. What came before it is counted.[/yellow]")


def _group_table(heading: str, rows: list[Mapping[str, Any]]) -> Table:
    table = Table(title=None, header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(heading, min_width=34)
    for name in ("bytes", "95 % interval (sampling)", "share", "packets", "flows"):
        table.add_column(name, justify="right")
    for row in rows[:_TOP]:
        name = row.get("platform_name") or next(str(v) for v in row.values() if isinstance(v, str))
        table.add_row(
            {"": "(unknown)", UNKNOWN_COUNTRY: "(unknown)"}.get(name, name),
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


def indicator_table(indicators: Sequence[Mapping[str, Any]], months: list[str], *, synthetic: bool) -> Table:
    """Return a table of indicators by month: value, and its interval below it."""
    table = Table(
        title="Indicators by month: value [95 % interval]" + (f" · {SYNTHETIC_NOTE}" if synthetic else ""),
        header_style="bold",
    )
    table.add_column("")
    table.add_column("indicator", min_width=24)
    for month in months:
        table.add_column(month, justify="right", min_width=24)
    for indicator in indicators:
        by_month = {entry["month"]: entry["observations"] for entry in indicator["months"]}
        for dimension in _dimensions(by_month):
            cells = [_cell(by_month.get(month, []), dimension) for month in months]
            name = indicator["title"] + (f": {words(dimension)}" if dimension else "")
            table.add_row(indicator["id"], f"{name} ({indicator['unit']})", *cells)
    table.add_section()
    for name, meaning in (
        ("coverage", "coverage: internet users on reporting networks"),
        ("undetermined", "undetermined: place or operator unknown"),
    ):
        table.add_row("", f"{meaning} (share)", *(_beside(indicators, month, name) for month in months))
    return table


def _beside(indicators: Sequence[Mapping[str, Any]], month: str, name: str) -> str:
    """Return the figure that stands beside all values of a month and is equal for all of them."""
    for indicator in indicators:
        for entry in indicator["months"]:
            if entry["month"] == month and entry["observations"]:
                return figure(entry["observations"][0][name])
    return figure(None)


def _dimensions(by_month: Mapping[str, list[Mapping[str, Any]]], most: int = 3) -> list[str | None]:
    """Return the dimensions to show: those of the last month, in its order, a few of them."""
    last = list(by_month.values())[-1] if by_month else []
    return [observation["dimension"] for observation in last[:most]]


def _cell(observations: list[Mapping[str, Any]], dimension: str | None) -> str:
    for observation in observations:
        if observation["dimension"] == dimension:
            if observation["value"] is None:
                # The API and the report have the whole of it.
                return shorten(f"insufficient: {observation['reason']}", _MOST_OF_REASON, placeholder=" …")
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
