"""The output of `caudal collect --check` and `caudal collect status` for people."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from caudal.collector.check.check import Checked
from caudal.common.counted import counted
from caudal.showing.exportertable import SHOWN, signs_of, table_of
from caudal.showing.present import ago, size, span

_LOSSES = ("lost", "lost_datagrams", "kernel_drops", "malformed", "filtered", "waiting")
_NOT_COUNTED = ("events", "repeated", "without_counts", "not_read", "counts_implausible")
_DOUBTS = (
    "rate_implausible",
    "counts_implausible",
    "time_implausible",
    "clock_implausible",
    "sums_saturated",
    "templates_redefined",
    "duplicated_datagrams",
)


def show_check(out: Console, checked: Checked) -> None:
    """Show what a collector would do, what looks wrong, and why it would not start."""
    for line in checked.plan:
        out.print(Text(line), soft_wrap=True)
    for lines, word, style in (
        (checked.wrong, "suspicious", "yellow"),
        (checked.unusable, "unusable", "red"),
    ):
        for line in lines:
            out.print(Text.assemble((f"{word}: ", style), line), soft_wrap=True)
    if not checked.wrong and not checked.unusable:
        out.print(Text("Nothing looks wrong.", style="green"))


def show_status(out: Console, status: Mapping[str, Any], now: float | None = None) -> None:
    """Show how a running collector is: what needs attention first."""
    for part in status_parts(status, time.time() if now is None else now):
        out.print(part, soft_wrap=isinstance(part, Text))


def watch_status(out: Console, look: Callable[[], Mapping[str, Any]], pause: Callable[[], None]) -> None:
    """Show how a running collector is again and again, until `pause` is interrupted from the keyboard.

    On a terminal it is refreshed in place; elsewhere it is printed anew.
    """
    with suppress(KeyboardInterrupt):
        if not out.is_terminal:
            while True:
                show_status(out, look())
                pause()
        with Live(console=out, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                live.update(Group(*status_parts(look(), time.time())), refresh=True)
                pause()


def status_parts(status: Mapping[str, Any], now: float) -> Iterator[RenderableType]:
    """Yield the parts of a status to show: the summary, what is wrong, exporters, the collector itself."""
    if "attention" not in status:  # updated, and not restarted yet
        yield Text(
            f"The collector that runs is of an earlier version ({status['version']}): restart it to see its routers."
        )
        yield _facts(status, now)
        return
    attention, exporters = status["attention"], status["exporters"]
    style = "bold red" if attention["need_attention"] else "bold green" if exporters else "bold"
    yield Text(attention["summary"], style=style)
    yield from signs_of(exporters)
    yield Text()
    yield table_of(exporters, now)
    more = len(exporters) - SHOWN + status["exporters_left_out"]
    if more > 0:
        yield Text(
            f"and {more:,} more that need no more attention than these; --json lists the busiest 2,048"
        )
    yield Text()
    yield _facts(status, now)
    listeners = Table("listener", "buffer asked", "granted", box=None, pad_edge=False)
    for listener in status["listeners"]:
        listeners.add_row(
            Text(listener["address"]),
            size(listener["buffer_asked_bytes"]),
            size(listener["buffer_granted_bytes"]),
        )
    if status["listeners"]:
        yield listeners


def _facts(status: Mapping[str, Any], now: float) -> Table:
    """Return a table of the collector as a whole, a line for each part of it."""
    ledger, spool, shipping, backlog = (status[name] for name in ("ledger", "spool", "shipping", "backlog"))
    lines = {
        "collector": f"{status['collector']}, caudal {status['version']}, up {span(status['uptime_seconds'])}"
        + (", synthetic" if status["synthetic"] else "")
        + (", its clock is behind the exporters'" if status["clock_behind"] else ""),
        "received": f"{counted(ledger['datagrams'], 'datagram')}, {counted(ledger['received'], 'record')}, {ledger['decoded']:,} decoded",
        "losses": _counted(ledger, _LOSSES) or "none",
        "not counted": _counted(ledger, _NOT_COUNTED) or "nothing",
        "not believed": _counted(ledger, _DOUBTS) or "nothing",
        "templates": f"{status['templates']:,} known",
        "spool": f"{counted(spool['batches'], 'batch', 'batches')}, {size(spool['bytes'])} of {size(spool['most_bytes'])}"
        + (f", the oldest {span(spool['oldest_seconds'])} old" if spool["batches"] else "")
        + (f", {spool['refused']} refused" if spool["refused"] else "")
        + (f", {spool['damaged']} damaged" if spool["damaged"] else ""),
        "shipping": f"{counted(shipping['shipped'], 'batch', 'batches')} to {shipping['service']}, last {ago(shipping['last_shipped_time'], now)}"
        + (f", {shipping['held']} held for review" if shipping.get("held") else "")
        + (f", {shipping['set_back']} set back" if shipping["set_back"] else "")
        + (f", pausing {shipping['pause_seconds']:.0f} s" if shipping["pause_seconds"] else ""),
        "last error": f"{shipping['last_error']} ({ago(shipping['last_error_time'], now)})"
        if shipping["last_error"]
        else "none",
    }
    if status.get("not_allowed_datagrams"):
        lines["not allowed"] = (
            f"{counted(status['not_allowed_datagrams'], 'datagram')} from addresses that `allow` does not hold: add them if they are "
            "routers of yours"
        )
    if status["interfaces"]:
        lines["interfaces"] = ", ".join(status["interfaces"])
    if backlog["batches"] or backlog["lost_batches"] or backlog["coarsened_batches"]:
        lines["backlog"] = (
            f"{counted(backlog['batches'], 'batch', 'batches')} in memory, {backlog['coarsened_batches']} added up by hour, "
            f"{backlog['lost_batches']} lost with {size(backlog['lost_bytes'])} of traffic"
        )
    if status.get("unlisted_caches"):
        lines["caches"] = "home addresses serve " + ", ".join(
            f"{each['platform']} ({size(each['home_bytes'])}, {each['share']:.0%} of it)"
            for each in status["unlisted_caches"]
        )
        lines["caches"] += ": caches that `locations` does not list (docs/locations.md)"
    facts = Table.grid(padding=(0, 2))
    for name, text in lines.items():
        facts.add_row(Text(name, style="bold"), Text(text))
    return facts


def _counted(ledger: Mapping[str, int], names: Sequence[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {ledger[name]:,}" for name in names if ledger.get(name))
