"""Exporters as `caudal collect status` shows them: what is wrong first, then two lines of a table for each."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from caudal.showing.present import ago, count

SHOWN = 50
_NAMED = 5
_PROTOCOLS = {
    "netflow5": "NetFlow v5",
    "netflow7": "NetFlow v7",
    "netflow9": "NetFlow v9",
    "ipfix": "IPFIX",
    "sflow5": "sFlow v5",
    "packets": "packets",
}
_RATES_FROM = {
    "record": "in records",
    "options": "announced",
    "config": "settings",
    "assumed": "assumed",
    "unsampled": "unsampled",
}

Exporter = Mapping[str, Any]


def signs_of(exporters: list[Exporter]) -> Iterator[Text]:
    """Yield a line for each thing noticed of exporters: those that need attention first, then what is good to know.

    What is to be said of several in the same words is said once.
    """
    names: dict[tuple[bool, str, str], list[str]] = {}
    for each in exporters:
        for sign in each["signs"]:
            said = (not sign["needs_attention"], sign["kind"], sign["sentence"])
            names.setdefault(said, []).append(each["name"])
    for (is_hint, kind, sentence), of in sorted(names.items(), key=lambda item: item[0][0]):
        word, style = ("hint", "yellow") if is_hint else ("attention", "red")
        who = ", ".join(of[:_NAMED]) + (f" and {len(of) - _NAMED} more" if len(of) > _NAMED else "")
        yield Text.assemble((f"{word}: ", style), (who, "bold"), f", {kind.replace('_', ' ')}: {sentence}")


def table_of(exporters: list[Exporter], now: float) -> RenderableType:
    """Return the table: two lines of figures for each exporter.

    Below the name stands the address; `ifIndex` is how many interfaces were met, `without` the records that name none;
    the shares of bytes are out, in, internal (`int`) and transit (`tran`).
    """
    if not exporters:
        return Text("No exporter was heard yet.")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("router\naddress", overflow="fold", min_width=12)
    table.add_column("protocol\ntemplates", no_wrap=True)
    table.add_column("sampling\nknown from", no_wrap=True)
    table.add_column("Mbit/s\nrecords/s", no_wrap=True)
    table.add_column("lost\nwaiting", no_wrap=True)
    table.add_column("malformed\nclock", no_wrap=True)
    table.add_column("ifIndex\nwithout", no_wrap=True)
    table.add_column("out/in %\nint/tran", no_wrap=True)
    table.add_column("heard", no_wrap=True)
    for each in exporters[:SHOWN]:
        table.add_row(*_cells(each, now))
    return table


def _cells(each: Exporter, now: float) -> list[Text]:
    lately = each["lately"]
    name = Text(each["name"], style="bold red" if each["needs_attention"] else "bold")
    if each["address"]:
        name.append(f"\n{each['address']}", style="not bold default")
    last = ago(each["last_ms"] / 1000, now) if each["last_ms"] else "–" if each["is_interface"] else "never"
    return [
        name,
        Text(f"{_protocols(each)}\n{_number(each['templates'])}"),
        Text(f"{_rate(each)}\n{_RATES_FROM.get(each['rate_from'], '–')}"),
        Text(f"{_figure(each['mbit_per_second'])}\n{_figure(each['records_per_second'])}"),
        _worrying(f"{each['lost_share']:.2%}" if each["lost_share"] else "–", each["waiting_sets"]),
        Text(f"{_number(lately.get('malformed', 0))}\n{_offset(each['clock_seconds'])}"),
        Text(f"{_number(each['interfaces'])}\n{_number(each['without_interface'])}"),
        Text(_directions(each["direction_bytes"])),
        Text(last.removesuffix(" ago")),
    ]


def _worrying(lost: str, waiting: int) -> Text:
    return Text(f"{lost}\n{_number(waiting)}")


def _protocols(each: Exporter) -> str:
    names = [_PROTOCOLS.get(name, name) for name in each["protocols"]]
    if len(names) > 1:
        return "+".join(name.replace("NetFlow ", "").replace("sFlow v5", "sFlow") for name in names)
    return names[0] if names else "–"


def _rate(each: Exporter) -> str:
    low, high = each["lowest_rate"], each["highest_rate"]
    if not low:
        return "–"
    return f"1:{low:,.10g}" if low == high else f"1:{low:,.10g}–{high:,.10g}"


def _offset(seconds: float | None) -> str:
    """Return the offset of a clock in the unit that needs fewest letters."""
    if seconds is None:
        return "–"
    sign = "+" if seconds > 0 else "-"
    for unit, length in (("y", 31_557_600.0), ("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if abs(seconds) >= 2 * length:
            return f"{sign}{abs(seconds) / length:.0f} {unit}"
    return f"{seconds:+.1f} s"


def _directions(octets: Mapping[str, int]) -> str:
    total = sum(octets.values())
    if not total:
        return "–"
    out, into, internal, transit = (
        f"{100 * octets.get(name, 0) / total:.0f}" for name in ("out", "in", "internal", "transit")
    )
    return f"{out}/{into}\n{internal}/{transit}"


def _figure(value: float) -> str:
    if not value:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.01 else "<0.01"


def _number(value: int) -> str:
    return count(value) if value else "–"
