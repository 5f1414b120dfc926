"""No text of a chart is struck: by another text, an edge, a line, a dark ground, or the end of the canvas."""

import re
import string
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.service.reports.charts import (
    Band,
    Drawing,
    Key,
    Mark,
    Node,
    Panel,
    flow_drawing,
    interval_drawing,
    map_drawing,
)
from caudal.service.reports.charts.palette import COLOURS
from caudal.service.reports.charts.worldmap import CLASSES, _geometry
from caudal.service.reports.language import LANGUAGES
from caudal.service.reports.typeface.lines import RESERVE

from ..conftest import MONTH
from ..struck import struck

BEFORE = Path(__file__).parent / "drawings"
EIGHTY = "Servicios de plataformas multinacionales de intermediación y publicidad digital."
HOSTILE = (
    EIGHTY,
    "W" * 80,
    "Y 1.234.567.890,12 " * 4,
    "اقتصاد تجريبي للبيانات الرقمية",
    "経済とデータの流れ" * 4,
    "\u202elateral\u202c <b>&amp;",
    "",
    " ",
)
# Letters of many widths, with the spaces that break and those that do not.
NAMES = st.text(alphabet=string.ascii_letters + "ÁñçãÜ .,()&—–  漢ש", max_size=80)
SHARES = st.lists(st.floats(1e-7, 1.0), min_size=1, max_size=12)
KEY = Key("valor", "intervalo", "valor de septiembre de 2026")


def flow(names: list[str], shares: list[float], figures: str = "12,3 % [1,0 – 99,9 %]") -> str:
    """A flow diagram whose nodes have these names and shares, on all three sides."""
    total = sum(shares)
    nodes = [
        Node(str(number), names[number % len(names)], figures, COLOURS[number % len(COLOURS)])
        for number in range(len(shares))
    ]
    bands = [
        Band(str(number), str((number * 5 + 1) % len(shares)), share / total)
        for number, share in enumerate(shares)
    ]
    parts = nodes[:3]
    first = [Band(parts[number % len(parts)].key, band.left, band.share) for number, band in enumerate(bands)]
    return flow_drawing(names[0], parts, nodes, nodes, first, bands, (names[-1], "Jurisdicción")).svg("flows")


def mapped(names: list[str], shares: list[float], home: str) -> str:
    """A map of as many countries as there are shares, every eighth of those there are."""
    codes = sorted(_geometry()[1])[::8][: len(shares)]
    total = sum(shares)
    told = {code: share / total for code, share in zip(codes, shares, strict=False)}
    called = {code: names[number % len(names)] for number, code in enumerate(codes)}
    return map_drawing(told, home, [f"{bound:.1%}" for bound in CLASSES], called).svg("map")


def test_the_drawings_of_before_are_found_struck() -> None:
    """What readers saw: labels of the flow diagram under bands, and rules through the titles of values."""
    found = struck((BEFORE / "flow-before.svg").read_text(encoding="utf-8"))
    assert len({each.partition("' is")[0] for each in found if "is crossed by a path" in each}) >= 8
    assert any(each.startswith("'Estados Unidos") and "lies on a band" in each for each in found)
    found = struck((BEFORE / "value-before.svg").read_text(encoding="utf-8"))
    assert any("V2 Carga útil" in each and "crossed by a line" in each for each in found)
    assert any("contrast" in each for each in found)


def test_each_way_to_be_struck_is_found() -> None:
    drawing = Drawing(100, 60)
    drawing.rectangle(0, 0, 50, 30, "#0b3d57")
    drawing.text(4, 14, "dark")
    drawing.text(6, 15, "over")
    drawing.text(40, 50, "under")
    drawing.path("M30,40Q60,60 90,40", stroke="#000000")
    drawing.text(80, 20, "far too long")
    drawing.dot(60, 40, 6, "#ffffff")
    told = " ".join(struck(drawing.svg("")))
    for said in ("'dark' overlaps 'over'", "'dark' has a contrast", "'under' is crossed by a path"):
        assert said in told
    assert "'far too long' leaves the canvas" in told and "'under' is crossed by a circle" in told


def test_what_a_plate_hides_does_not_strike() -> None:
    drawing = Drawing(100, 30)
    drawing.line(0, 15, 100, 15, "#000000")
    drawing.rectangle(10, 2, 60, 24, "#ffffff")
    drawing.text(14, 18, "plate")
    assert struck(drawing.svg("")) == []
    [(text, box)] = drawing.boxes()
    assert text == "plate" and 14 == box.left < box.right < 45


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("shares", [[1.0], [1e-6] * 11 + [1.0], [0.2, 1e-9, 0.3, 0.5], [1.0] * 12])
def test_flow_diagrams_of_hostile_names_and_shares(name: str, shares: list[float]) -> None:
    for names in ([name], [name, "Chile", EIGHTY]):
        assert struck(flow(names, shares), RESERVE) == []
    assert struck(flow([name], shares, "−1.234.567.890,12 [−1.234.567.890,12 a 1.234.567.890,12]")) == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("values", [(-3.0, -9.0, -1.0), (0.0, 0.0, 0.0), (5e8, -5e8, 9e9), (1e-9, 0.0, 2e-9)])
def test_interval_charts_of_hostile_names_and_values(name: str, values: tuple[float, float, float]) -> None:
    value, low, high = values
    marks = (
        Mark(name, value, low, high, f"{value:,.9f} [{low:,.9f} – {high:,.9f}]", value),
        Mark("Chile", value, low, high, "1 [0 – 2]"),
    )
    panels = [Panel(f"V6 {name}", marks, lambda number: f"{number:,.3f}"), Panel(name, marks[:1], str)]
    assert struck(interval_drawing(panels, KEY).svg("values"), RESERVE) == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("home", ["CL", "US", "XA", "SG"])
def test_maps_of_hostile_names(name: str, home: str) -> None:
    assert struck(mapped([name, "Chile 12,3 % [1,0 – 99,9 %]"], [0.5, 0.2, 0.1] + [1e-6] * 20, home)) == []


@given(st.lists(NAMES, min_size=1, max_size=6), SHARES)
def test_any_flow_diagram(names: list[str], shares: list[float]) -> None:
    assert struck(flow(names, shares), RESERVE) == []


@given(
    st.lists(
        st.tuples(NAMES, st.floats(-1e9, 1e9), st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=6
    )
)
def test_any_interval_chart(rows: list[tuple[str, float, float, float]]) -> None:
    marks = tuple(
        Mark(
            name,
            value,
            value - below,
            value + above,
            f"{value:.4g} [{value - below:.4g} – {value + above:.4g}]",
        )
        for name, value, below, above in rows
    )
    assert (
        struck(interval_drawing([Panel("V1", marks, lambda number: f"{number:g}")], KEY).svg(""), RESERVE)
        == []
    )


# A map has 170 outlines to look at for each of its texts.
@settings(max_examples=20)
@given(st.lists(NAMES, min_size=1, max_size=6), SHARES, st.sampled_from(["CL", "BR", "MX", "XA", "FJ"]))
def test_any_map(names: list[str], shares: list[float], home: str) -> None:
    assert struck(mapped(names, shares, home)) == []


@pytest.mark.parametrize(
    "drawn",
    [
        flow([EIGHTY + " " + EIGHTY], [0.5, 0.5]),
        mapped([EIGHTY + " " + EIGHTY, "Chile"], [0.5, 0.5], "XA"),
    ],
)
def test_a_name_that_is_shortened_stands_in_full_beside_it(drawn: str) -> None:
    assert "…" in drawn and f"<title>{EIGHTY} {EIGHTY}</title>" in drawn
    words = drawn.rpartition("<path")[2]
    assert words.count("plataformas") >= 2 or drawn.count("plataformas") > 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_chart_of_the_demo_has_a_struck_text(demo_client: httpx.Client, language: str) -> None:
    answer = demo_client.get(f"/v1/reports/XA/{MONTH}", params={"format": "html", "language": language})
    drawings = re.findall(r"<svg.*?</svg>", answer.text, re.DOTALL)
    assert len(drawings) >= 7
    for drawing in drawings:
        assert struck(drawing, RESERVE) == []
