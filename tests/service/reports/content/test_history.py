"""The line over the months: gaps stay open, another method is marked, one month is no line."""

import re
from xml.etree import ElementTree

import pytest

from caudal.service.reports.charts.series import Step, series_drawing
from caudal.service.reports.content.history import Point, Series
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import LANGUAGES, Language
from caudal.service.reports.pictures import history_chart

from ..samples import content, measures, observed

MONTHS = ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(points: tuple[Point, ...], language: str = "en") -> str | None:
    now = measures(MONTHS[-1], observed("J1", 0.32, 0.30, 0.40))
    history = (Series("jurisdiction", "J1", None, "share", points),)
    edition = Edition(content(now, history=history), Language.of(language, "CL"))
    return history_chart(edition, edition.content.groups[0])


def point(month: str, value: float | None, method: str = "2") -> Point:
    if value is None:
        return Point(month, None, None, None)
    return Point(month, value, value - 0.05, value + 0.05, method, f"CL-{month}-v1")


def test_one_month_is_no_line() -> None:
    assert drawn(()) is None
    assert drawn((point("2026-09", None), point("2026-10", 0.3))) is None


def test_a_gap_stays_open() -> None:
    whole = drawn(tuple(point(month, 0.3) for month in MONTHS))
    open_at = drawn(tuple(point(month, None if month == "2026-08" else 0.3) for month in MONTHS))
    assert whole is not None and open_at is not None
    assert whole.count("<path") == 4
    assert open_at.count("<path") == 8
    assert whole.count("<circle") == 6 and open_at.count("<circle") == 5


def test_a_month_between_gaps_has_its_interval() -> None:
    svg = drawn((point("2026-08", 0.3), point("2026-09", None), point("2026-10", 0.3)))
    assert svg is not None and "<path" not in svg and svg.count("<circle") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_method_is_marked_and_no_line_crosses_it(language: str) -> None:
    points = tuple(point(month, 0.3, "1" if month < "2026-08" else "2") for month in MONTHS)
    svg = drawn(points, language)
    assert svg is not None and svg.count("<path") == 8
    assert Language.of(language, "CL").say("history", "other_method") in svg


def test_the_description_tells_what_is_seen() -> None:
    svg = drawn(tuple(point(month, 0.3 + 0.1 * at) for at, month in enumerate(MONTHS)), "es")
    assert svg is not None
    description = ElementTree.fromstring(svg).attrib["aria-label"]
    assert "en 6 meses: 30,0% (25,0 – 35,0%) en mayo de 2026" in description
    assert {each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}text")} >= {"may.", "oct.", "2026"}


@pytest.mark.parametrize("count", [2, 3, 7, 13, 24])
@pytest.mark.parametrize("level", [0.02, 0.5, 0.98])
def test_no_text_is_struck(count: int, level: float) -> None:
    steps = [
        Step("sept", "2026" if at > 6 else "2025", level, level - 0.02, level + 0.02, str(at // 5))
        for at in range(count)
    ]
    svg = series_drawing(
        "J1 A value over the months that has so long a name that it takes a second line, and one that a third one would be cut",
        steps,
        lambda n: f"{n:.2f}",
        ("0.32", "0.30 – 0.40"),
        "another method",
    ).svg("")
    boxes = [_box(each) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    for at, one in enumerate(boxes):
        assert one[0] >= -1 and one[2] <= 641
        for other in boxes[at + 1 :]:
            assert not _meet(one, other), (one, other)
        for each in ElementTree.fromstring(svg).iter():
            for x, y in _corners(each):
                assert not (one[0] < x < one[2] and one[1] < y < one[3]), (one, x, y)


def _box(text: ElementTree.Element) -> tuple[float, float, float, float]:
    size = float(text.attrib["font-size"])
    width = 0.58 * size * len(text.text or "")
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.attrib["text-anchor"]]
    return left, y - 0.75 * size, left + width, y + 0.2 * size


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _corners(shape: ElementTree.Element) -> list[tuple[float, float]]:
    """Points along a line, of a path, or around a dot."""
    if shape.tag == f"{SVG}line":
        x0, y0, x1, y1 = (float(shape.attrib[name]) for name in ("x1", "y1", "x2", "y2"))
        return [(x0 + (x1 - x0) * part / 100, y0 + (y1 - y0) * part / 100) for part in range(101)]
    if shape.tag == f"{SVG}path":
        return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", shape.attrib["d"])]
    if shape.tag == f"{SVG}circle":
        x, y, r = (float(shape.attrib[name]) for name in ("cx", "cy", "r"))
        return [(x - r, y), (x + r, y), (x, y - r), (x, y + r)]
    return []
