"""The line of a group's headline over the months, and that in words."""

from functools import partial

from caudal.service.reports.charts.series import Step, series_drawing
from caudal.service.reports.content import Group
from caudal.service.reports.content.history import Series
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.pictures.axis import tick


def history_chart(edition: Edition, group: Group) -> str | None:
    """Return the line of a group's headline over the months; None with fewer than two months of values.

    It is the value of the finding where that has a history, else the first that has one.
    """
    held = [each for each in edition.content.history if each.group == group.name and len(each.valued) > 1]
    said = edition.found_of(group)
    held.sort(key=lambda each: (each.indicator, each.dimension) != (said.indicator, said.dimension))
    if not held:
        return None
    series, language = held[0], edition.language
    line = next(
        line
        for line in edition.lines(group)
        if (line.definition.id, line.observation.dimension) == (series.indicator, series.dimension)
    )
    limits = [abs(n) for each in series.valued for n in (each.value, each.low, each.high) if n is not None]
    scale, suffix = language.scale(series.unit, max(limits))
    sign = suffix if series.unit == "share" else ""
    # A share has its sign on the axis, and an index or a number is told by its name.
    unit = suffix.strip() if not sign else ""
    steps = [
        Step(
            language.month_short(each.month),
            each.month[:4],
            each.value * scale if each.value is not None else None,
            (each.low or 0.0) * scale,
            (each.high or 0.0) * scale,
            each.method_version,
        )
        for each in series.points
    ]
    bound = scale if line.definition.range[1] == 1.0 else None
    drawing = series_drawing(
        f"{line.definition.id} {edition.names.measure(line.definition, series.dimension)}"
        + (f" ({unit})" if unit else ""),
        steps,
        partial(tick, edition.language, sign),
        (line.value, line.interval),
        language.say("history", "other_method"),
        bound,
    )
    return drawing.svg(history_note(edition, group, series))


def history_note(edition: Edition, group: Group, series: Series) -> str:
    """Return the words for the line of a series: its first and last value, the lowest and the highest."""
    definition = next(d for d, _ in group.readings() if d.id == series.indicator)
    valued = series.valued
    told = {
        name: (
            edition.language.month(each.month),
            edition.figure(definition, each.value, each.low, each.high),
        )
        for name, each in (
            ("first", valued[0]),
            ("last", valued[-1]),
            ("least", min(valued, key=lambda each: each.value or 0.0)),
            ("most", max(valued, key=lambda each: each.value or 0.0)),
        )
    }
    return edition.language.say(
        "history",
        "note",
        title=edition.names.measure(definition, series.dimension),
        months=edition.language.number(len(valued)),
        **{f"{name}_month": month for name, (month, _) in told.items()},
        **{name: text for name, (_, text) in told.items()},
    )
