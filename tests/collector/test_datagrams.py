"""Lots of datagrams, and the numbers of exporters."""

from caudal.collector.datagrams import Datagrams, Exporters

from .builders import lot


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


def test_a_small_lot_is_its_own_part() -> None:
    whole = lot([b"abc", b"de"])
    assert list(whole.parts(5)) == [whole]
    assert list(lot([]).parts(5)) == []
