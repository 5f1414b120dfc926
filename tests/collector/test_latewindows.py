"""What comes late is gathered, whatever the clock of its exporter says."""

from caudal.collector.windows.latewindows import LateWindows

WINDOW, LATENESS = 300, 60
MS = WINDOW * 1000


class Monotonic:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def late(time: Monotonic, most: int = 64) -> LateWindows:
    return LateWindows(WINDOW, LATENESS, most=most, monotonic=time)


def test_windows_that_are_over_now_are_taken_now() -> None:
    one = late(Monotonic())
    assert one.keep({10, 11}, 11 * MS) == set()
    assert one.keep({11, 12}, 12 * MS) == set()


def test_what_comes_after_that_waits_once_for_a_window_and_the_lateness() -> None:
    time = Monotonic()
    one = late(time)
    one.keep({10}, 11 * MS)
    assert one.keep({10, 11}, 11 * MS) == {10}
    time.now = WINDOW + LATENESS - 1
    assert one.keep({10, 11}, 12 * MS) == {10}, "11 is over just now"
    time.now += 1
    assert one.keep({10}, 12 * MS) == set()
    # Taken; what comes now waits anew.
    assert one.keep({10}, 12 * MS) == {10}


def test_too_many_wait_no_longer() -> None:
    time = Monotonic()
    one = late(time, most=2)
    one.keep(set(), 100 * MS)
    assert one.keep({1}, 100 * MS) == {1}
    time.now = 1
    assert one.keep({1, 7, 9}, 100 * MS) == {7, 9}
    assert one.keep({7, 9}, 100 * MS) == {7, 9}


def test_what_is_not_open_any_more_is_forgotten() -> None:
    time = Monotonic()
    one = late(time)
    one.keep(set(), 100 * MS)
    assert one.keep({1}, 100 * MS) == {1}
    one.keep(set(), 100 * MS)
    time.now = WINDOW + LATENESS
    assert one.keep({1}, 100 * MS) == {1}, "since now"
