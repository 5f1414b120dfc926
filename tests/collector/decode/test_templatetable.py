"""The table of templates: bounds, sharing, withdrawal, and what is known to have come before."""

from caudal.collector.decode.template.origin import ObservationPoint
from caudal.collector.decode.template.template import FieldSpecifier, Template, TemplateKey
from caudal.collector.decode.template.templatetable import TemplateTable, code

POINT = ObservationPoint(3, 1, 9)
KEY = TemplateKey(*POINT, 256)


def of(*lengths: int) -> Template:
    return Template(tuple(FieldSpecifier(1 + n, length) for n, length in enumerate(lengths)), False)


def table(per_exporter: int = 100, octets: int = 1 << 20) -> TemplateTable:
    return TemplateTable(per_exporter, octets)


def test_equal_templates_share_a_layout_whoever_sent_them() -> None:
    under = table()
    other = KEY._replace(exporter=4, template=999)
    assert under.put(KEY, of(4, 8), 1)
    assert under.put(other, of(4, 8), 2)
    first, second = under.get(KEY), under.get(other)
    assert first is not None
    assert second is not None
    assert first.layout is second.layout
    assert (first.announced_ms, second.announced_ms) == (1, 2)
    assert under.by_code(1)[code(KEY)] is first


def test_bounded_per_exporter_and_in_all() -> None:
    under = table(per_exporter=2, octets=3 * (600 + 16))
    keys = [KEY._replace(exporter=exporter, template=256 + n) for exporter in (1, 2) for n in range(3)]
    assert [under.put(key, of(4), 0) for key in keys] == [True, True, False, True, False, False]
    assert len(under) == 3
    assert under.full
    assert under.put(keys[0], of(2), 0), "one that is there can be replaced"
    assert not under.put(keys[0], of(2, 4), 0), "but not by more than there is room for"
    under.remove([keys[1]])
    assert under.put(keys[4], of(4), 0)


def test_what_is_removed_leaves_nothing() -> None:
    under = table()
    keys = [KEY, KEY._replace(observation_domain=1), KEY._replace(template=300)]
    for key in keys:
        under.put(key, of(4), 0)
    assert under.points(3) == {POINT, POINT._replace(observation_domain=1)}
    under.remove(keys)
    assert (len(under), under.octets, under.points(3), list(under.items())) == (0, 0, set(), [])
    assert under.by_code(1) == {}
    assert under.oldest_announced_ms() == {}


def test_a_set_that_comes_again_announces_its_templates_again() -> None:
    under = table()
    under.put(KEY, of(4), 10)
    under.put(KEY._replace(template=257), of(4), 20)
    known = under.get(KEY)
    assert known is not None
    under.note_set(POINT, b"set", [known])
    assert under.oldest_announced_ms() == {1: 10}
    assert under.seen_before(POINT, b"set", 30) == 1
    assert under.oldest_announced_ms() == {1: 20}
    assert not under.seen_before(POINT, b"other", 40)
    assert not under.seen_before(POINT._replace(exporter=8), b"set", 40)
    under.forget_sets(POINT)
    assert not under.seen_before(POINT, b"set", 50)


def test_sets_kept_as_they_came_are_bounded() -> None:
    under = table()
    for number in range(2000):
        under.note_set(POINT, number.to_bytes(2, "big") * 32_000, [])
    assert sum(len(body) for body in under._known_sets[POINT]) < 33 << 20
