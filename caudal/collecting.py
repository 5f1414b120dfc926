"""What `caudal collect --check` and `caudal collect status` show to people."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caudal.collector.check import Checked
from caudal.collector.disbelief import Disbelief
from caudal.present import size

_LOSSES = ("lost", "lost_datagrams", "kernel_drops", "malformed", "filtered", "waiting")
_DOUBTS = (
    "rate_implausible",
    "counts_implausible",
    "time_implausible",
    "clock_implausible",
    "sums_saturated",
)
_EXPORTERS_SHOWN = 50


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


def show_status(out: Console, status: Mapping[str, Any]) -> None:
    """Show how a running collector is."""
    now = time.time()
    ledger, spool, shipping, backlog = (status[name] for name in ("ledger", "spool", "shipping", "backlog"))
    losses = {name: ledger[name] for name in _LOSSES if ledger[name]}
    lines = {
        "collector": f"{status['collector']}, caudal {status['version']}, up {_span(status['uptime_seconds'])}"
        + (", synthetic" if status["synthetic"] else "")
        + (", its clock is behind the exporters'" if status["clock_behind"] else ""),
        "received": f"{ledger['datagrams']:,} datagrams, {ledger['received']:,} records, {ledger['decoded']:,} decoded",
        "losses": ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in losses.items())
        or "none",
        "not believed": ", ".join(
            f"{name.replace('_', ' ')} {ledger[name]:,}" for name in _DOUBTS if ledger.get(name)
        )
        or "nothing",
        "templates": f"{status['templates']:,} known",
        "spool": f"{spool['batches']:,} batches, {size(spool['bytes'])} of {size(spool['most_bytes'])}"
        + (f", the oldest {_span(spool['oldest_seconds'])} old" if spool["batches"] else "")
        + (f", {spool['refused']} refused" if spool["refused"] else "")
        + (f", {spool['damaged']} damaged" if spool["damaged"] else ""),
        "shipping": f"{shipping['shipped']:,} batches to {shipping['service']}, last {_ago(shipping['last_shipped_time'], now)}"
        + (f", {shipping['held']} held for review" if shipping.get("held") else "")
        + (f", {shipping['set_back']} set back" if shipping["set_back"] else "")
        + (f", pausing {shipping['pause_seconds']:.0f} s" if shipping["pause_seconds"] else ""),
        "last error": f"{shipping['last_error']} ({_ago(shipping['last_error_time'], now)})"
        if shipping["last_error"]
        else "none",
    }
    if status["interfaces"]:
        lines["interfaces"] = ", ".join(status["interfaces"])
    if backlog["batches"] or backlog["lost_batches"] or backlog["coarsened_batches"]:
        lines["backlog"] = (
            f"{backlog['batches']} batches in memory, {backlog['coarsened_batches']} added up by hour, "
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
    out.print(facts)
    for each in status.get("not_believed", ()):
        show_disbelief(out, Disbelief.of(each))
    listeners = Table("listener", "buffer asked", "granted", box=None, pad_edge=False)
    for listener in status["listeners"]:
        listeners.add_row(
            Text(listener["address"]),
            size(listener["buffer_asked_bytes"]),
            size(listener["buffer_granted_bytes"]),
        )
    out.print(listeners)
    exporters = Table("exporter", "datagrams", "last seen", box=None, pad_edge=False)
    for seen in status["exporters"][:_EXPORTERS_SHOWN]:
        exporters.add_row(Text(seen["name"]), f"{seen['datagrams']:,}", _ago(seen["last_ms"] / 1000, now))
    out.print(exporters if status["exporters"] else Text("No exporter was heard yet."))
    more = len(status["exporters"]) - _EXPORTERS_SHOWN
    if more > 0:
        out.print(Text(f"and {more} more; --json lists them all"))


def show_disbelief(out: Console, disbelief: Disbelief) -> None:
    """Show in what an exporter is not believed, a line each."""
    for sentence in disbelief.sentences:
        out.print(
            Text.assemble(("not believed: ", "yellow"), f"{disbelief.exporter or 'exporter'}: {sentence}"),
            soft_wrap=True,
        )


def _ago(moment: float, now: float) -> str:
    return f"{_span(max(0.0, now - moment))} ago" if moment else "never"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
