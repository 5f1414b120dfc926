"""Data sets that wait for their template."""

from collections.abc import Callable

from caudal.collector.decode.template.template import TemplateKey
from caudal.collector.decode.template.waiting import WaitingSet, WaitingSets
from tests.support.effort import growth

A, B = (TemplateKey(0, 1, 0, 0, number) for number in (256, 257))


def waiting(key: TemplateKey, octets: int = 100, number: int = 0) -> WaitingSet:
    return WaitingSet(key, bytes(octets), number, 0, received_ms=number)


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
        sets.put(waiting(TemplateKey(0, 1, number, 0, 256), octets=0))
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


def test_one_exporter_does_not_take_the_room_of_others() -> None:
    sets = WaitingSets(limit_octets=612 * 10, limit_octets_per_exporter=612 * 3)
    sets.put(waiting(A))
    noisy = TemplateKey(7, 1, 0, 0, 256)
    gone = [one.export_ms for number in range(20) for one in sets.put(waiting(noisy, number=number))]
    assert gone == list(range(17))
    assert len(sets.take(A)) == 1
    assert [one.export_ms for one in sets.take_exporter(7)] == [17, 18, 19]
    assert (len(sets), sets.octets) == (0, 0)


def test_sets_too_old_to_wait() -> None:
    sets = WaitingSets()
    for number in range(5):
        sets.put(waiting((A, B)[number % 2], number=number))
    assert [one.export_ms for one in sets.take_before(3)] == [0, 1, 2]
    assert sets.take_before(3) == []
    assert [one.export_ms for one in sets.take(A)] == [4]


def test_many_keys_cost_by_their_number() -> None:
    def work(size: int) -> Callable[[], object]:
        sets = WaitingSets()
        keys = [TemplateKey(0, 1, domain, 0, 256) for domain in range(size)]

        def put_and_take() -> None:
            for key in keys:
                sets.put(waiting(key, octets=0))
            for key in reversed(keys):
                assert len(sets.take(key)) == 1

        return put_and_take

    assert growth(work, 1_000) < 5
