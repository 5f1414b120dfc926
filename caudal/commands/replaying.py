"""The output of `caudal collect replay` for people: how far it is, and what it did in the end."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from caudal.collector.pipeline.addresstable import load_address_table
from caudal.collector.replay.replay import Replayed, ReplayQuestion, finish, replay
from caudal.collector.settings.settings import CollectorSettings
from caudal.common.counted import counted
from caudal.reference import AddressTable

# What of a ledger is told beside what was counted.
_TOLD = (
    "waiting", "malformed", "filtered", "events", "counts_implausible", "repeated", "without_counts", "not_read",
    "lost", "lost_datagrams", "sampling_assumed", "rate_implausible", "time_implausible",
)  # fmt: skip


def replay_files(
    settings: CollectorSettings,
    files: Sequence[Path],
    since: datetime | None,
    until: datetime | None,
    *,
    again: bool,
    received_too: bool,
) -> Replayed:
    """Replay captures and show on a terminal how far it is; raises the errors of the parts, each one line."""
    if not files:
        return finish(settings)
    question = ReplayQuestion(
        paths=files,
        since_ms=_milliseconds(since),
        until_ms=_milliseconds(until),
        again=again,
        received_too=received_too,
    )
    err = Console(stderr=True)
    columns = (TextColumn("datagrams"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("replay", total=None)
        return replay(
            question,
            settings,
            lambda: _table(settings),
            progress=lambda done, of: progress.update(task, completed=done, total=of),
        )


def show_replayed(out: Console, replayed: Replayed) -> None:
    """Show what a replay did."""
    ledger = replayed.ledger
    facts = Table.grid(padding=(0, 2))
    if replayed.span is not None:
        first, last = (
            datetime.fromtimestamp(each / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") for each in replayed.span
        )
        counts = {name: ledger[name] for name in _TOLD if ledger.get(name)}
        for name, text in (
            ("captured", f"{first} to {last} UTC"),
            (
                "replayed",
                f"{counted(replayed.datagrams, 'datagram')} of {counted(replayed.exporters, 'exporter')}",
            ),
            (
                "left out",
                f"{counted(replayed.left_out, 'datagram')}, captured while the collector was receiving",
            ),
            ("records", f"{ledger['received']:,} received, {ledger['aggregated']:,} counted in flows"),
            (
                "besides",
                ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
                or "nothing",
            ),
            ("batches", f"{replayed.batches:,}"),
        ):
            facts.add_row(Text(name, style="bold"), Text(text))
    facts.add_row(Text("spooled", style="bold"), Text(f"{counted(replayed.spooled, 'batch', 'batches')}"))
    out.print(facts)
    for note in replayed.notes:
        out.print(Text(note, style="yellow"), soft_wrap=True)
    if replayed.waiting:
        out.print(Text(replayed.waiting, style="red"), soft_wrap=True)


def _table(settings: CollectorSettings) -> AddressTable:
    table = load_address_table(settings)
    table.accelerate()
    return table


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)
