"""Windows close whatever the clocks do."""

from caudal.collector.windows.windowclock import WindowClock

WINDOW, LATENESS = 300, 60
NOW = 1_800_000_000.0


class Times:
    """The wall clock, and the one that never jumps."""

    def __init__(self, wall: float = NOW) -> None:
        self.wall, self.monotonic = wall, 5000.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def clock(times: Times) -> WindowClock:
    return WindowClock(WINDOW, LATENESS, wall=lambda: times.wall, monotonic=lambda: times.monotonic)


def ms(seconds: float) -> int:
    return int(seconds * 1000)


def until(of: WindowClock, latest: float, typical: float | None = None) -> float:
    return of.complete_until(ms(latest), ms(latest if typical is None else typical)) / 1000


def test_nothing_seen_nothing_complete() -> None:
    assert clock(Times()).complete_until(None, None) == 0


def test_back_dated_traffic_goes_by_its_own_time() -> None:
    assert until(clock(Times()), NOW - 10_000) == NOW - 10_000 - LATENESS


def test_one_exporter_with_a_fast_clock_closes_nothing_early() -> None:
    times = Times()
    one = clock(times)
    for _ in range(100):
        assert until(one, NOW + 500_000_000, times.wall) == times.wall - LATENESS
        times.go(60)
    assert not one.behind


def test_our_clock_set_back_goes_on_from_where_it_was() -> None:
    times = Times()
    one = clock(times)
    times.go(100)
    times.wall -= 7200
    times.go(100)
    assert until(one, NOW + 200) == NOW + 200 - LATENESS


def test_our_clock_set_forward_closes_by_the_exporters() -> None:
    times = Times()
    one = clock(times)
    times.wall += 500_000_000
    assert until(one, NOW + 10) == NOW + 10 - LATENESS


def test_our_clock_that_was_never_set_is_not_believed_for_long() -> None:
    """A machine that starts in 1970, and gets the time later or never."""
    times = Times(wall=100.0)
    one = clock(times)
    start = times.monotonic
    while until(one, NOW + times.monotonic) < NOW:
        assert times.monotonic - start <= 2 * WINDOW + LATENESS
        times.go(1)
    assert one.behind
    assert until(one, NOW + times.monotonic) == NOW + times.monotonic - LATENESS
    # The time comes in: it counts again.
    times.wall = NOW + times.monotonic
    assert until(one, NOW + times.monotonic + 500_000, NOW + times.monotonic) == times.wall - LATENESS
    assert not one.behind


def test_our_clock_corrected_backwards_counts_again() -> None:
    """It ran ahead for a while: from then on an exporter with a fast clock must not close anything early."""
    times = Times()
    one = clock(times)
    times.wall += 86_400
    until(one, NOW)
    times.wall -= 86_400
    times.go(10)
    assert until(one, NOW + 3600, NOW + 10) == NOW + 10 - LATENESS


def test_slower_exporters_do_not_turn_back_what_is_believed() -> None:
    times = Times(wall=100.0)
    one = clock(times)
    for _ in range(2 * WINDOW + LATENESS + 1):
        until(one, NOW + times.monotonic)
        times.go(1)
    assert one.behind
    reached = until(one, NOW + times.monotonic)
    assert until(one, NOW + times.monotonic, NOW + times.monotonic - 1200) == reached
