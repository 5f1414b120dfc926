"""A real collector on loopback: how many datagrams a second it takes without loss, and what they cost it."""

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.daemons import WINDOW_SECONDS, CaudalCollect, Sender
from bench.exports import FORMATS
from bench.figure import Figure, Section, alone
from bench.process import CLOCK_SECONDS

_SETTLE_SECONDS = 5.0
_GROWTH = 1.5
_CLOSE = 1.08  # a limit known to 8 % is known well enough
_KEEPS_UP = 0.9  # a sender that sends less than this share of what was asked is at its own limit
_SUSTAINED = 0.8
_SMALL_LOTS = "over the steps without loss and the longer run; the less traffic, the fewer datagrams share the cost of a lot"
_METHOD = (
    "`caudal collect` in a process on one core, fed over UDP on loopback by a sender on another: four exporters, "
    "each speaking one of the formats above, to records located, aggregated, folded by k-anonymity (k = 5), "
    f"encoded as batches and spooled; windows of {WINDOW_SECONDS} s, so that closing them is in the figures. "
    "What the collector's ledger counts as received is compared with what was sent. The rate grows until "
    "datagrams are lost twice, then the limit is narrowed down; at four fifths of it a longer run follows."
)


@dataclass(frozen=True)
class Step:
    """A rate and what became of it. `offered` is what the sender achieved, in datagrams a second."""

    asked: float
    offered: float
    sent: int
    received: int
    records: int
    cpu_seconds: float
    seconds: float

    @property
    def lost(self) -> int:
        """Datagrams that the collector never saw: the kernel dropped them."""
        return self.sent - self.received


def measure(
    step_seconds: float = 2.0,
    sustained_seconds: float = 15.0,
    datagrams: int = 1024,
    first_rate: float = 20_000.0,
    most_steps: int = 20,
    *,
    warm_up: bool = True,
) -> Section:
    """Return the limits of a collector; `datagrams` are what each exporter sends round and round.

    The rate starts at `first_rate` datagrams a second; `most_steps` bounds the search. `warm_up` waits for
    the first window to close.
    """
    cores = sorted(os.sched_getaffinity(0))
    own, other = (cores[0], cores[1]) if len(cores) > 1 else (-1, -1)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caudal-bench-")))
        collector = stack.enter_context(CaudalCollect(directory, own))
        sender = stack.enter_context(Sender(collector.port, other, datagrams, list(FORMATS)))
        if warm_up:
            _warm_up(collector, sender)
        steps: list[Step] = []
        best = _search(collector, sender, step_seconds, steps, first_rate, most_steps)
        sustained = _step(collector, sender, best.offered * _SUSTAINED, sustained_seconds)
        buffer = collector.metrics()["receive_buffer_bytes"]
        spooled = [path.stat().st_size for path in collector.spooled()]
    details = {
        "receive_buffer_bytes": buffer,
        "cores": "the collector and the sender on one each" if own >= 0 else "both on one core",
        "steps": [{**asdict(step), "lost": step.lost} for step in steps],
        "sustained": {**asdict(sustained), "lost": sustained.lost},
        "spooled_batches": len(spooled),
        "spooled_bytes": sum(spooled),
    }
    figures = [
        alone("Highest rate without loss", "datagrams/s", [best.offered], _limit(best, buffer)),
        alone("… in flow records", "records/s", [best.records / best.seconds]),
        _efficiency(steps, sustained),
        alone(
            f"Lost in {sustained.seconds:.0f} s at {sustained.offered:,.0f} datagrams/s",
            "datagrams",
            [sustained.lost],
            f"of {sustained.sent:,} sent; {len(spooled)} batches were spooled in all",
        ),
    ]
    return Section("End to end", _METHOD, figures, details)


def _efficiency(steps: list[Step], sustained: Step) -> Figure:
    # Little traffic tells little: the loop's fixed cost and the clock's grain weigh too much.
    whole = [step for step in steps if step.lost == 0 and step.cpu_seconds > 0.2] + [sustained]
    values = [step.records / max(step.cpu_seconds, CLOCK_SECONDS) for step in whole]
    return alone("Records per second of the collector's CPU time", "records/CPU s", values, _SMALL_LOTS)


def _limit(best: Step, buffer: float) -> str:
    whose = "the sender's limit, not the collector's; " if best.asked == 0 else ""
    return f"{whose}receive buffer {buffer / 2**20:.0f} MiB"


def _warm_up(collector: CaudalCollect, sender: Sender) -> None:
    """Send a little until a window has closed: libraries load what they need at first use."""
    until = time.monotonic() + 3 * WINDOW_SECONDS
    while not collector.spooled():
        sender.send(1_000, 1.0)
        if time.monotonic() > until:
            raise RuntimeError("the collector closes no window; see its log")


def _search(
    collector: CaudalCollect, sender: Sender, seconds: float, steps: list[Step], rate: float, most_steps: int
) -> Step:
    """Return the fastest step without loss; a rate has failed when datagrams were lost at it twice."""

    def tried(rate: float) -> Step | None:
        for _ in range(2):
            step = _step(collector, sender, rate, seconds)
            steps.append(step)
            if step.lost == 0:
                return step
        return None

    best: Step | None = None
    failing: float | None = None
    while len(steps) < most_steps and (failing is None or failing > _CLOSE * (best.offered if best else 0)):
        step = tried(rate)
        if step is None:
            failing = rate
        else:
            best = step
            if step.offered < _KEEPS_UP * rate:
                return replace(step, asked=0.0)
        if failing is None:
            rate *= _GROWTH
        else:
            rate = ((best.offered if best else 0.0) + failing) / 2
    if best is None:
        raise RuntimeError(f"datagrams are lost at {failing:,.0f} a second already; the machine is too busy")
    return best


def _step(collector: CaudalCollect, sender: Sender, rate: float, seconds: float) -> Step:
    before, cpu = collector.metrics(), collector.cpu_seconds()
    sent = sender.send(rate, seconds)
    until = time.monotonic() + _SETTLE_SECONDS
    last = -1.0
    while True:
        after = collector.metrics()
        missing = sent["sent"] - (after["datagrams"] - before["datagrams"])
        if missing <= 0 or time.monotonic() > until or (after["datagrams"] == last and missing > 0):
            break
        last = after["datagrams"]
        time.sleep(0.1)
    return Step(
        asked=rate,
        offered=sent["sent"] / sent["seconds"],
        sent=int(sent["sent"]),
        received=int(after["datagrams"] - before["datagrams"]),
        records=int(after["aggregated"] - before["aggregated"]),
        cpu_seconds=collector.cpu_seconds() - cpu,
        seconds=sent["seconds"],
    )
