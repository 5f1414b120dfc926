"""Charts: well-formed, to scale, and with the interval drawn."""

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.reports.charts import Band, Mark, Node, Panel, flow_drawing, interval_drawing, map_drawing
from caudal.service.reports.charts.intervals import ticks
from caudal.service.reports.charts.worldmap import CLASSES, HEIGHT, WIDTH, _geometry
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms.document import report
from caudal.service.reports.forms.view import view
from caudal.service.reports.language import Language
from caudal.service.reports.pictures import flow_chart

from ..samples import content, measures, observed

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+\.\d+|-?\d+")


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_even_and_hold_the_values(low: float, span: float) -> None:
    axis = ticks(low, low + span)
    steps = [b - a for a, b in pairwise(axis)]
    assert 2 <= len(axis) <= 9
    assert max(steps) - min(steps) <= 1e-6 * max(abs(axis[0]), abs(axis[-1]), steps[0])
    slack = 1e-6 * (abs(low) + span)
    assert axis[0] <= low + slack and axis[-1] >= low + span - slack


def test_an_interval_is_drawn_to_scale() -> None:
    panel = Panel("share", (Mark("A & B", 50, 40, 80, "50", before=45),), str, 100)
    root = ElementTree.fromstring(interval_drawing([panel]).svg("what it shows <here>"))
    assert root.attrib["aria-label"] == "what it shows <here>"
    before, value = (float(dot.attrib["cx"]) for dot in root.iter(f"{SVG}circle"))
    [interval] = [line for line in root.iter(f"{SVG}line") if line.attrib["stroke-width"] == "5"]
    low, high = float(interval.attrib["x1"]), float(interval.attrib["x2"])
    # 40, 45, 50 and 80 on one axis.
    assert (value - low) / (high - low) == pytest.approx(0.25, abs=0.01)
    assert (before - low) / (high - low) == pytest.approx(0.125, abs=0.01)
    assert "A & B" in [text.text for text in root.iter(f"{SVG}text")]


def test_bands_of_the_flow_diagram_have_the_heights_of_their_shares() -> None:
    left = [Node("CL", "Chile", "60 %", "#111111"), Node("", "?", "40 %", "#222222")]
    right = [Node("US", "United States", "100 %", "#333333")]
    bands = [Band("CL", "US", 0.6), Band("", "US", 0.4)]
    parts = [Node("domestic", "stays", "60 %", "#444444"), Node("out", "leaves", "40 %", "#555555")]
    first = [Band("domestic", "CL", 0.6), Band("out", "", 0.4)]
    root = ElementTree.fromstring(
        flow_drawing("Chile", parts, left, right, first, bands, ("where", "who")).svg("flows")
    )
    heights = {rect.attrib["fill"]: float(rect.attrib["height"]) for rect in root.iter(f"{SVG}rect")}
    assert heights["#111111"] / heights["#333333"] == pytest.approx(0.6, abs=0.01)
    assert heights["#111111"] + heights["#222222"] == pytest.approx(heights["#333333"], abs=0.3)
    assert heights["#444444"] == pytest.approx(heights["#111111"], abs=0.1)
    assert flow_drawing("Chile", [], [], [], [], [], ("where", "who")).svg("nothing").startswith("<svg")


def test_the_map_colours_countries_and_fits_its_plane() -> None:
    text = map_drawing(
        {"CL": 0.3, "US": 0.6, "SG": 0.01}, "CL", [str(c) for c in CLASSES], {"CL": "Chile: 30 %"}
    ).svg("map")
    root = ElementTree.fromstring(text)
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert "Chile: 30 %" in titles
    outlines, points = _geometry()
    assert {"CL", "BR", "US", "NA"} <= outlines.keys() and {"SG", "BB", "MT"} <= points.keys()
    for outline in outlines.values():
        numbers = [float(number) for number in NUMBER.findall(outline)]
        assert min(numbers) >= -1 and max(numbers[::2]) <= WIDTH + 1 and max(numbers[1::2]) <= HEIGHT


def test_no_outline_runs_across_the_whole_map() -> None:
    outlines, _ = _geometry()
    for code, outline in outlines.items():
        for ring in outline.split("M")[1:]:
            points = [tuple(map(float, each.split(","))) for each in ring.rstrip("Z").split("L")]
            longest = max(math.dist(a, b) for a, b in pairwise(points))
            assert longest < WIDTH / 4, code


def test_a_jurisdiction_has_one_interval_in_a_report() -> None:
    """The flow diagram shows that of the indicator, which holds more than sampling and the unknown."""
    made = content(
        measures("2026-10", observed("J4", 0.85, 0.7, 0.95, "US"), observed("J4", 0.3, 0.2, 0.4, "BR"))
    )
    edition = Edition(made, Language.of("es", "CL"))
    drawn, text = flow_chart(edition), edition.language.figure(0.85, 0.7, 0.95, "share")
    assert drawn is not None
    assert f">{text.value} [{text.interval}]<".replace(" ", "\u00a0") in drawn.replace(" ", "\u00a0")
    # Of another share than the diagram's, it says nothing about it.
    assert "[20,0" not in drawn
    # So do the table beside it and the data.
    tables = view(edition, paper=True)["destinations"]["tables"]
    assert [each["interval"] for each in tables[1]["rows"] if each["key"] == "US"] == [text.interval]
    assert [(each.low, each.high) for each in report(edition).destinations.controls if each.key == "US"] == [
        (0.7, 0.95)
    ]
