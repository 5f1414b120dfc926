"""What a piece of work costs, counted rather than timed: equal on every machine, however busy it is."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def effort(work: Callable[[], Any]) -> int:
    """Return how many lines of Python `work` runs, and how many functions it calls, those written in C included.

    A turn of a loop counts as a line, also within a comprehension. Compiled kernels and whole-array operations count as
    the one call they are: what is shown by this is that no loop of ours goes on for longer than it should.
    """
    count = 0

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    tracing, profiling = sys.gettrace(), sys.getprofile()
    sys.settrace(line)
    sys.setprofile(call)
    try:
        work()
    finally:
        sys.setprofile(profiling)
        sys.settrace(tracing)
    return count


def growth(work: Callable[[int], Callable[[], Any]], size: int, times: int = 4) -> float:
    """Return how many times dearer work is that is `times` as large: about `times` where its cost is linear.

    `work` prepares a piece of work of a size; doing it is what is counted.
    """
    work(size)()  # what is done once is done
    return effort(work(size * times)) / effort(work(size))
