"""Data sets that wait for their template."""

from caudal.collector.decode.template import TemplateKey
from caudal.collector.decode.waiting import WaitingSet, WaitingSets

A, B = (TemplateKey(0, 1, 0, number) for number in (256, 257))


def waiting(key: TemplateKey, octets: int = 100, number: int = 0) -> WaitingSet:
    return WaitingSet(key, bytes(octets), number, 0)


def test_taken_in_the_order_they_came() -> None:
    sets = WaitingSets()
    for number, key in enumerate((A, B, A)):
        assert sets.put(waiting(key, number=number)) == []
    assert [one.export_ms for one in sets.take(A)] == [0, 2]
    assert len(sets) == 1
    assert sets.take(A) == []


def test_the_oldest_goes_first() -> None:
    sets = WaitingSets(limit_octets=2 * (100 + 512))
    gone = [
        one.export_ms for number in range(4) for one in sets.put(waiting((A, B)[number % 2], number=number))
    ]
    assert gone == [0, 1]
    assert [one.export_ms for one in sets.take(A)] == [2]


def test_empty_sets_are_bounded_too() -> None:
    sets = WaitingSets(limit_octets=512 * 10)
    for number in range(1000):
        sets.put(waiting(TemplateKey(0, 1, number, 256), octets=0))
    assert len(sets) == 10
    assert len(sets._sets) == 10


def test_what_was_taken_makes_room() -> None:
    sets = WaitingSets(limit_octets=2 * (100 + 512))
    for number in range(10):
        assert sets.put(waiting(A, number=number)) == []
        assert len(sets.take(A)) == 1


def test_a_set_larger_than_the_bound_goes_at_once() -> None:
    sets = WaitingSets(limit_octets=600)
    assert len(sets.put(waiting(A, octets=1000))) == 1
    assert len(sets) == 0
