"""Replaying: captured export datagrams through a pipeline of the settings, into the spool, once."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.exportcapture import ExportReader
from caudal.collector.deliver.batchmaker import BatchMaker
from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import SpoolError, StateError
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.exporters.pseudonym import pseudonym, read_or_make_key
from caudal.collector.memory.exportermemory import FILE as STATE_FILE
from caudal.collector.memory.stateowner import StateOwner
from caudal.collector.pipeline import knownexporters
from caudal.collector.pipeline.blueprint import pipeline_of
from caudal.collector.pipeline.knownexporters import outside_name
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.receive.receivingtimes import FILE as TIMES_FILE
from caudal.collector.receive.receivingtimes import Span, received
from caudal.collector.replay.choice import Choice, in_steps
from caudal.collector.replay.journal import Journal, Manifest, Staging, hand_over
from caudal.collector.replay.once import require_new, require_something
from caudal.collector.replay.remembered import Remembered
from caudal.collector.replay.survey import Survey, survey
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.windows.windowcloser import WindowCloser
from caudal.contract.batch import LEDGER_COUNTS
from caudal.reference import AddressTable

_STEPS = 10  # of a window, in each of which windows that are over are closed


@dataclass(frozen=True)
class ReplayQuestion:
    """The order for a replay: captures in order, of the times from `since_ms` until before `until_ms` if these are given.

    `again` replays what was replayed before, and `received_too` what was captured while the collector was receiving: both
    count twice what was counted.
    """

    paths: Sequence[Path]
    since_ms: int | None = None
    until_ms: int | None = None
    again: bool = False
    received_too: bool = False


@dataclass(frozen=True)
class Replayed:
    """The outcome of a replay: datagrams metered and left out (captured while the collector was receiving), ledger counts.

    `spooled` are the batches moved to the spool, and `waiting` says why not all of them could be, where it is so; `notes` has a
    line for each file that could not be read to its end, and for what else is to be told.
    """

    span: Span | None
    exporters: int
    datagrams: int
    left_out: int
    batches: int
    spooled: int
    waiting: str
    ledger: dict[str, int]
    notes: list[str]

    @property
    def plain(self) -> dict[str, Any]:
        """The outcome as values that JSON has."""
        return asdict(self)


def finish(settings: CollectorSettings) -> Replayed:
    """Bring the batches of a replay that was interrupted to the spool; raise ReplayError or SpoolError."""
    with Journal(settings.state_directory):
        moved = hand_over(
            settings.state_directory, Spool(settings.state_directory / "spool", settings.spool_max_bytes)
        )
    return Replayed(None, 0, 0, 0, 0, moved, "", {}, [])


def replay(
    question: ReplayQuestion,
    settings: CollectorSettings,
    table: Callable[[], AddressTable],
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
    wall: Callable[[], float] = time.time,
) -> Replayed:
    """Replay captures; when this returns their batches are in the spool. Raise ReplayError, or the errors of the parts.

    `table` makes the address table, once everything else is found to be in order. `progress` is told how many datagrams of
    how many are done. Killed at any moment, it has counted nothing, or everything is counted once it or a collector runs
    again.
    """
    directory = settings.state_directory
    if not directory.is_dir():
        raise StateError(f"{directory} is not there; start the collector once, or correct `state_directory`")
    owner = StateOwner(directory)
    with Journal(directory) as journal:
        spool = Spool(owner.make(directory / "spool"), settings.spool_max_bytes)
        hand_over(directory, spool)  # what one that was killed had not
        key = read_or_make_key(directory / "pseudonym.key")
        owner.give(directory / "pseudonym.key")
        choice = Choice(
            question.since_ms,
            question.until_ms,
            [] if question.received_too else received(directory / TIMES_FILE),
        )
        found = survey(question.paths, choice)
        left_out = choice.left_out
        require_something(found, left_out, wall())
        spans = {pseudonym(key, address): times for address, times in found.spans.items()}
        if not question.again:
            require_new(journal, question.paths, found.digests, spans)
        addresses = table()
        staging = journal.begin()
        try:
            pipeline, remembered = _meter(
                question, choice, settings, addresses, found, key, staging, progress
            )
            manifest = Manifest(int(wall()), tuple(found.digests), spans, found.datagrams, staging.batches)
            staging.commit(manifest)
        except BaseException:
            staging.discard()
            raise
        waiting, spooled = "", 0
        try:
            spooled = hand_over(directory, spool)
        except SpoolError as error:
            waiting = str(error)
    notes = [f"{line}; what came before it is replayed" for line in found.damage]
    if remembered.unreadable:
        notes.append(f"templates that the collector remembers were not used: {remembered.unreadable}")
    if not choice.times and not question.received_too:
        notes.append(
            "it is not known when the collector was receiving, so nothing was left out: what it received counts twice"
        )
    return Replayed(
        span=found.span,
        exporters=len(found.spans),
        datagrams=found.datagrams,
        left_out=left_out,
        batches=staging.batches,
        spooled=spooled,
        waiting=waiting,
        ledger={name: int(pipeline.ledger.totals[COUNT[name]]) for name in LEDGER_COUNTS},
        notes=notes,
    )


class _CaptureClock:
    """A clock that shows when the datagrams being replayed were captured, in seconds since 1970 UTC; it never goes back."""

    def __init__(self, start_ms: int) -> None:
        self._seconds = start_ms / 1000

    def __call__(self) -> float:
        return self._seconds

    def reach(self, milliseconds: int) -> None:
        """Let it be as late as this."""
        self._seconds = max(self._seconds, milliseconds / 1000)


class _Batches:
    """Takes closed windows and gathers their batches."""

    def __init__(self, sender: BatchMaker, staging: Staging) -> None:
        self._sender, self._staging = sender, staging

    def add(self, flows: pa.Table, ledger: pa.Table) -> None:
        """Take a batch."""
        self._staging.add(self._sender.encode(flows, ledger))


def _meter(
    question: ReplayQuestion,
    choice: Choice,
    settings: CollectorSettings,
    table: AddressTable,
    found: Survey,
    key: bytes,
    staging: Staging,
    progress: Callable[[int, int], None],
) -> tuple[Pipeline, Remembered]:
    """Meter the chosen datagrams as a collector would have then; gather the batches in `staging`."""
    clock = _CaptureClock(found.span.first_ms)
    pipeline = pipeline_of(settings, table, monotonic=clock)
    remembered = Remembered(
        settings.state_directory / STATE_FILE,
        pipeline.exporters,
        pipeline.decoder,
        partial(pseudonym, key),
        found.announced,
    )
    pipeline.memory = remembered
    names = knownexporters.names(settings.exporters)
    closer = WindowCloser(
        pipeline,
        _Batches(BatchMaker(settings, run=f"replay-{found.digests[0][:16]}-{uuid.uuid4().hex[:8]}"), staging),
        lambda number: outside_name(number, pipeline.exporters.addresses, names, key),
        settings.lateness_seconds,
        wall=clock,
        monotonic=clock,
    )
    step_ms = settings.window_seconds * 1000 // _STEPS
    done = 0
    for path in question.paths:
        reader = ExportReader(pipeline.exporters)
        for chunk in Capture(path).chunks():
            for datagrams in in_steps(choice(reader.add(chunk)), step_ms):
                clock.reach(int(datagrams.received_ms.max()))
                pipeline.datagrams(datagrams)
                closer.close_over()
                done += len(datagrams)
            progress(done, found.datagrams)
        reader.finish()
    pipeline.decoder.give_up_waiting()
    closer.close_all()
    return pipeline, remembered
