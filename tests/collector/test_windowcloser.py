"""Half an hour of exporters whose clocks are right, slow and fast, while our own jumps: simulated.

Every window has more hosts than folding asks for, so any row that is folded was cut out of its window.
"""

from collections import Counter
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.windows.windowcloser import WindowCloser
from tests.support.builders import HOME, SECONDS, TABLE, lot, netflow5, record5

WINDOW, LATENESS, TICK = 300, 60, 5
HOSTS = 10
LASTS = 1800
CLOCKS = {"right": 0, "slow": -1200, "fast": 3600}


class Kept:
    """Stands where the backlog does: keeps what closed windows hold."""

    def __init__(self) -> None:
        self.batches: list[tuple[pa.Table, pa.Table]] = []

    def add(self, flows: pa.Table, ledger: pa.Table) -> None:
        self.batches.append((flows, ledger))

    def frame(self, at: int) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(pl.from_arrow(each[at])) for each in self.batches])

    def times_taken(self) -> Counter[Any]:
        return Counter(
            start
            for tables in self.batches
            for start in {each for table in tables for each in table["window_start"].to_pylist()}
        )


class Hour:
    """The time of the simulation, what exporters send in it, and the closer under test."""

    def __init__(self, clocks: dict[str, int], k: int = 5) -> None:
        self.passed = 0
        self.ours_off = 0
        self.clocks = clocks
        self.sent = 0
        self.at_once = 0
        self.pipeline = Pipeline(
            economy="UY",
            home=HOME,
            table=TABLE,  # type: ignore[arg-type]
            window_seconds=WINDOW,
            k=k,
            monotonic=self.monotonic,
        )
        for number in range(len(clocks)):
            self.pipeline.exporters.number(f"192.0.2.{number + 1}")
        self.kept = Kept()
        self.closer = WindowCloser(
            self.pipeline,
            self.kept,  # type: ignore[arg-type]
            str,
            LATENESS,
            wall=lambda: float(SECONDS + self.passed + self.ours_off),
            monotonic=self.monotonic,
        )

    def monotonic(self) -> float:
        return 7.0 + self.passed

    def go(self, seconds: int) -> None:
        for _ in range(seconds // TICK):
            turn = self.passed // TICK
            for number, off in enumerate(self.clocks.values()):
                host = f"198.18.{number}.{1 + turn % HOSTS}"
                datagram = netflow5(
                    [record5(host, octets=100 + turn)], seconds=SECONDS + self.passed + off, sequence=turn
                )
                received_ms = (SECONDS + self.passed + self.ours_off) * 1000
                self.pipeline.datagrams(lot([datagram], number, received_ms))
                self.sent += 100 + turn
            self.closer.close_over()
            if not self.passed:
                self.at_once = len(self.kept.batches)
            self.passed += TICK

    def folded(self) -> int:
        """How many rows were cut out of their windows, but for those that a start may find over already."""
        return sum(flows["folded"].to_pylist().count(True) for flows, _ in self.kept.batches[self.at_once :])

    def finish(self) -> None:
        self.closer.close_all()
        flows, ledger = self.kept.frame(0), self.kept.frame(1)
        assert flows["bytes"].sum() == self.sent
        records = self.passed // TICK * len(self.clocks)
        assert flows["flows"].sum() == ledger["aggregated"].sum() == ledger["received"].sum() == records
        assert ledger["lost"].sum() == 0


def test_windows_are_taken_whole_whatever_the_clock_of_their_exporter() -> None:
    hour = Hour(CLOCKS)
    hour.go(LASTS)
    before_the_end = len(hour.kept.batches)
    hour.finish()
    assert not hour.folded()
    # Once when it is over, once for the slow one.
    assert max(hour.kept.times_taken().values()) <= 2
    assert before_the_end <= 2 * LASTS // WINDOW


def test_a_fast_clock_closes_nobody_elses_windows() -> None:
    hour = Hour({"fast": 3600, "right": 0})
    hour.go(LASTS)
    assert not hour.folded()
    starts = [SECONDS + at for at in range(0, LASTS - WINDOW - LATENESS + 1, WINDOW)]
    taken = hour.kept.times_taken()
    assert sorted(int(start.timestamp()) for start in taken) == starts
    assert set(taken.values()) == {1}
    hour.finish()


def test_a_slow_exporter_alone_is_not_late() -> None:
    """Nothing says that it is slow: back-dated traffic goes by its own time."""
    hour = Hour({"slow": -86_400})
    hour.go(LASTS)
    assert set(hour.kept.times_taken().values()) == {1}
    assert len(hour.kept.batches) == (LASTS - LATENESS) // WINDOW
    hour.finish()


@pytest.mark.parametrize("jump", [7200, -7200, 500_000_000, -500_000_000, 120, -120])
@pytest.mark.parametrize("back", [True, False], ids=["and back", "for good"])
def test_a_jump_of_our_own_clock_changes_no_total(jump: int, back: bool) -> None:
    hour = Hour(CLOCKS)
    hour.go(2 * WINDOW + WINDOW // 2)
    hour.ours_off = jump
    hour.go(3 * WINDOW)
    if back:
        hour.ours_off = 0
    hour.go(4 * WINDOW)
    hour.finish()
    # The jump itself may find windows over that have just begun, as a start does.
    assert hour.folded() <= 1
    assert max(hour.kept.times_taken().values()) <= 3


def test_windows_are_bounded_whatever_times_exporters_state() -> None:
    hour = Hour({"right": 0})
    hour.go(2 * WINDOW)
    for number in range(500):
        seconds = SECONDS - 86_400 * (number + 1)
        hour.pipeline.datagrams(lot([netflow5([record5(octets=1)], seconds=seconds, engine=number % 250)]))
        hour.sent += 1
    hour.closer.close_over()
    assert len(hour.pipeline.windows) <= 64 + 2
    hour.closer.close_all()
    assert hour.kept.frame(0)["bytes"].sum() == hour.sent
