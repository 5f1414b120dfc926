"""Lots of datagrams, and the numbers of exporters."""

import numpy as np

from caudal.collector.columns.allowlist import AllowList
from caudal.collector.columns.datagrams import NO_ROOM, NOT_ALLOWED, Datagrams, Exporters
from tests.support.builders import lot


def payloads(datagrams: Datagrams) -> list[bytes]:
    return [
        bytes(datagrams.buffer[at : at + length])
        for at, length in zip(datagrams.offset.tolist(), datagrams.length.tolist(), strict=True)
    ]


def test_exporters_are_numbered_as_they_appear() -> None:
    exporters = Exporters()
    assert [exporters.number(a) for a in ("192.0.2.1", "2001:db8::1", "192.0.2.1", "")] == [0, 1, 0, 2]
    assert exporters.addresses == ["192.0.2.1", "2001:db8::1", ""]


def test_exporters_are_bounded() -> None:
    exporters = Exporters(limit=2)
    assert [exporters.number(a) for a in ("a", "b", "c", "a", "d")] == [0, 1, -1, 0, -1]
    assert exporters.addresses == ["a", "b"]


def test_parts_have_all_datagrams_in_order() -> None:
    sent = [b"a" * 5, b"", b"b" * 9, b"c" * 30, b"d", b"e"]
    whole = lot(sent, exporter=[0, 1, 2, 0, 1, 2])
    parts = list(whole.parts(14))
    assert [payloads(part) for part in parts] == [sent[:3], sent[3:4], sent[4:]]
    assert [part.exporter.tolist() for part in parts] == [[0, 1, 2], [0], [1, 2]]


def test_parts_keep_the_source_ports() -> None:
    whole = lot([b"abc", b"de", b"f"], port=[1, 2, 65_535])
    assert [part.port.tolist() for part in whole.parts(5)] == [[1, 2], [65_535]]


def test_a_small_lot_is_its_own_part() -> None:
    whole = lot([b"abc", b"de"])
    assert list(whole.parts(5)) == [whole]
    assert list(lot([]).parts(5)) == []


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def numbers(*values: int) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return np.array(values, np.int32)


def test_who_is_not_allowed_takes_no_place() -> None:
    exporters = Exporters(limit=2, allow=AllowList(["192.0.2.0/24"]))
    sources = ("198.51.100.1", "192.0.2.1", "198.51.100.2", "192.0.2.2", "")
    assert [exporters.number(a) for a in sources] == [NOT_ALLOWED, 0, NOT_ALLOWED, 1, NO_ROOM]
    assert exporters.addresses == ["192.0.2.1", "192.0.2.2"]


def test_those_the_operator_told_us_of_are_kept() -> None:
    clock = Clock()
    exporters = Exporters(allow=AllowList(["192.0.2.0/24"]), clock=clock)
    assert [exporters.keep("198.51.100.9"), exporters.number("192.0.2.1")] == [0, 1]
    clock.now = 100
    assert exporters.idle(60) == [1]


def test_the_idle_are_told_the_longest_first() -> None:
    clock = Clock()
    exporters = Exporters(clock=clock)
    for number in range(200):
        exporters.number(f"192.0.2.{number}")
    clock.now = 10
    exporters.heard(numbers(5, 7, -1, -2))
    clock.now = 30
    exporters.heard(numbers(*(n for n in range(200) if n not in (5, 7, 9))))
    clock.now = 75
    assert exporters.idle(60) == [9, 5, 7]
    assert exporters.idle(40)[:3] == [9, 5, 7]


def test_a_number_given_up_is_given_to_another() -> None:
    exporters = Exporters(limit=2)
    first, second = exporters.number("a"), exporters.number("b")
    assert exporters.take_new() == [0, 1]
    generation = exporters.generation
    exporters.free(first)
    assert exporters.generation != generation
    assert (exporters.number("c"), exporters.number("b"), exporters.number("a")) == (first, second, NO_ROOM)
    assert exporters.addresses == ["c", "b"]
    assert exporters.take_new() == [0]
