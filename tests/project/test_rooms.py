"""Modules stand in rooms that a stranger can keep in mind: of few modules, none of which is in two minds who comes first."""

from project.rooms import PAGE, Arrow, arrows, mutual, rooms, written

# What stands in the way to a room, not in one: errors of a package, an entry, one thing with its data.
ALONE = {"collector", "service/reports", "service/reports/geometry"}


def test_rooms_have_neither_one_module_nor_more_than_fifteen() -> None:
    sizes = {room.name: room.modules for room in rooms()}
    assert len(sizes) > 80
    assert {name: size for name, size in sizes.items() if size > 15} == {}
    assert {name for name, size in sizes.items() if size == 1} == ALONE


def test_every_room_says_what_it_is_for() -> None:
    assert [room.name for room in rooms() if not room.purpose] == []


def test_no_two_rooms_import_each_other() -> None:
    assert mutual(arrows()) == set()


def test_rooms_that_import_each_other_would_be_found() -> None:
    to, back = Arrow("caudal.a.one", "caudal.b.two"), Arrow("caudal.b.three", "caudal.a.four")
    assert mutual([to, back]) == {("caudal.a", "caudal.b")}
    assert mutual([to]) == set()


def test_the_page_has_todays_rooms() -> None:
    """`python -m project.rooms --write` writes them anew."""
    page = PAGE.read_text("utf-8")
    assert written(page) == page
