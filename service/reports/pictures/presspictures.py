"""The five pictures of the press sheet: each says by itself what it shows, of which month, and who says so."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from caudal.service.reports.charts.drawing import LINE, SIZE, WIDTH, Drawing
from caudal.service.reports.charts.palette import COLOURS, FAINT, INK, PAPER, ROUTE_COLOUR, RULE
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.pictures.destinationmap import map_figure
from caudal.service.reports.pictures.flows import flow_figure
from caudal.service.reports.pictures.groups import group_figure
from caudal.service.reports.pictures.notes import flow_note, map_note
from caudal.service.reports.typeface import LEADING, wrapped

_MARGIN, _GAP = 16, 10
_TITLE_SIZE, _SENTENCE_SIZE = 20.0, 12.0
# Nothing that is said is left out: a sentence takes the lines it needs.
_MOST_LINES = 40
# An interval is read at once: it stands in one line.
_SPAN, _HELD = re.compile(r"(?<=[\d%]) – (?=[\d−])"), "\u00a0–\u00a0"
# Indicators of a group that one picture shows; the report has the others.
_SHOWN = {
    "concentration": ("C2", "C3", "C4"),
    "value": ("V3", "V4", "V8"),
    "positioning": ("P1", "P2", "P3", "P4"),
}


@dataclass(frozen=True)
class Picture:
    """A picture: the name in its address, its title, what it says in a sentence, how it is drawn.

    `figure` returns None where there is nothing to draw.
    """

    name: str
    title: str
    sentence: str
    figure: Callable[[], Drawing | None]

    def drawing(self, edition: Edition) -> Drawing:
        """Return the picture with title, sentence, source, vintage and month in it."""
        return _framed(edition, self)

    def svg(self, edition: Edition) -> str:
        """Return the picture as SVG, described by its title and sentence."""
        return self.drawing(edition).svg(f"{self.title}. {edition.subtitle}. {self.sentence}")


# Names of the pictures, as they stand in addresses and in the names of files.
PICTURES = ("map", "control", "concentration", "value", "positioning")


def pictures(edition: Edition) -> list[Picture]:
    """Return the five pictures: where data goes, under whose law, on how few it depends, its worth, its position."""
    say = edition.language.say
    return [
        Picture("map", say("press", "map"), map_note(edition), lambda: map_figure(edition)),
        Picture("control", say("press", "control"), _control(edition), lambda: flow_figure(edition)),
        *(_of_group(edition, name) for name in PICTURES[2:]),
    ]


def picture(edition: Edition, name: str) -> Picture:
    """Return a picture by its name, one of PICTURES."""
    return next(each for each in pictures(edition) if each.name == name)


def _control(edition: Edition) -> str:
    """Return the month's words about jurisdictions, and how the flow diagram is read."""
    found = _finding(edition, "jurisdiction")
    return f"{found} {flow_note(edition)}".strip()


def _of_group(edition: Edition, name: str) -> Picture:
    group = next((each for each in edition.content.groups if each.name == name), None)
    say = edition.language.say
    title = edition.language.known("press", name, edition.language.known("group", name, name))
    if group is None:
        return Picture(name, title, say("sentence", "nothing"), lambda: None)
    finding = edition.finding(group)
    drawn = group_figure(edition, group, _SHOWN.get(name, ())) or group_figure(edition, group)
    if drawn is None:
        return Picture(name, title, say("press", "alone", finding=finding), lambda: None)
    return Picture(name, title, finding, lambda: drawn)


def _finding(edition: Edition, name: str) -> str:
    group = next((each for each in edition.content.groups if each.name == name), None)
    return edition.finding(group) if group is not None else ""


def _framed(edition: Edition, shown: Picture) -> Drawing:
    """Return a figure with everything around it that a reader needs who sees nothing else."""
    width = WIDTH + 2 * _MARGIN
    figure = shown.figure()
    head = [
        (edition.subtitle, SIZE, FAINT, True),
        (shown.title, _TITLE_SIZE, INK, True),
        *((banner, SIZE, ROUTE_COLOUR, True) for banner in edition.banners),
        (_SPAN.sub(_HELD, shown.sentence), _SENTENCE_SIZE, INK, False),
    ]
    foot = [edition.language.say("press", "intervals")] if figure is not None else []
    foot += [edition.coverage(), *origin(edition)]
    above = [
        (wrapped(text, WIDTH, size, _MOST_LINES, bold=bold).lines, size, colour, bold)
        for text, size, colour, bold in head
    ]
    below = [wrapped(text, WIDTH, SIZE, _MOST_LINES).lines for text in foot]
    height = (
        2 * _MARGIN
        + sum(len(lines) * size * LEADING + 4 for lines, size, _, _ in above)
        + (figure.height + 2 * _GAP if figure is not None else _GAP)
        + sum(len(lines) * LINE for lines in below)
        + 8
    )
    drawing = Drawing(width, height)
    drawing.rectangle(0, 0, width, height, PAPER)
    drawing.rectangle(0, 0, width, 5, COLOURS[0])
    top = float(_MARGIN)
    for lines, size, colour, bold in above:
        top = drawing.lines(_MARGIN, top, lines, size=size, fill=colour, bold=bold) + 4
    top += _GAP
    if figure is not None:
        drawing.embed(figure, _MARGIN, top)
        top += figure.height + _GAP
    drawing.line(_MARGIN, top, width - _MARGIN, top, RULE)
    top += 6
    for lines in below:
        top = drawing.lines(_MARGIN, top, lines, fill=FAINT)
    return drawing


def origin(edition: Edition) -> list[str]:
    """Return the origin of the figures in lines: publisher, address, month, vintage and facts."""
    say, language, provenance = edition.language.say, edition.language, edition.content.provenance
    vintage = (
        say("press", "vintage", vintage=provenance.vintage)
        if provenance.vintage
        else say("press", "computed", date=language.date(provenance.computed_at.date()))
    )
    return [
        say(
            "press",
            "provenance",
            month=edition.month,
            vintage=vintage,
            reference=provenance.reference_version,
        ),
        say(
            "press",
            "source",
            publisher=edition.publication.publisher or say("citation", "publisher"),
            address=f"{edition.publication.url.rstrip('/')}{edition.path}",
        ),
    ]
