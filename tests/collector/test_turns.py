"""Who looks at what a thread works with does so between two pieces of work, or after a while in any case."""

import threading

import pytest

from caudal.collector.daemon.turns import Turns


def test_nobody_looks_at_work_half_done() -> None:
    turns, seen = Turns(patience_seconds=600), []
    half, done = threading.Event(), threading.Event()
    state = ["half"]

    def look() -> None:
        half.wait()
        seen.append(turns.look(lambda: state[0]))
        done.set()

    looking = threading.Thread(target=look)
    looking.start()
    with turns.work():
        half.set()
        state[0] = "whole"
    done.wait()
    looking.join()
    assert seen == ["whole"]


def test_work_that_takes_long_is_looked_at_all_the_same() -> None:
    """And again, where it changes meanwhile."""
    tries: list[object] = []
    turns = Turns(patience_seconds=0)

    def report() -> int:
        tries.append(None)
        if len(tries) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return 7

    with turns.work():
        assert turns.look(report) == 7
    assert len(tries) == 3


def test_what_goes_wrong_while_looking_ends_no_work() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        turns.look(lambda: 1 // 0)
    with turns.work():
        pass
