"""The map of where the far ends of a month's traffic are."""

from caudal.service.reports.charts import map_drawing
from caudal.service.reports.charts.drawing import Drawing
from caudal.service.reports.charts.worldmap import CLASSES
from caudal.service.reports.content.destinations import OTHER, UNKNOWN
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.pictures.axis import bracketed
from caudal.service.reports.pictures.notes import map_note


def destination_map(edition: Edition) -> str | None:
    """Return the map of `map_figure` as SVG; None where no place is known."""
    drawing = map_figure(edition)
    return drawing.svg(map_note(edition)) if drawing is not None else None


def map_figure(edition: Edition) -> Drawing | None:
    """Return the map of where the far ends are; None where no place is known."""
    known = [share for share in edition.content.destinations.locations if share.key not in (UNKNOWN, OTHER)]
    if not any(share.value > 0 for share in known):
        return None
    language = edition.language
    names = {}
    for share in known:
        text = language.figure(share.value, share.low, share.high, "share")
        names[share.key] = f"{edition.names.place(share.key)} {text.value} {bracketed(text.interval)}"
    return map_drawing(
        {share.key: share.value for share in known},
        edition.content.economy,
        [language.percent(bound) for bound in CLASSES],
        names,
        language.say("chart", "measured"),
    )
