"""History: what was published of a group's headline month by month, the months without a value left open."""

from dataclasses import dataclass
from datetime import datetime

from caudal.service.evaluation.evaluation import Method, MonthMeasures
from caudal.service.queries.published import PublishedValue, issues, published_values
from caudal.service.reports.content.headline import INDICATORS
from caudal.service.reports.content.peers import headlines_in
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month

MOST_MONTHS = 24


@dataclass(frozen=True)
class Point:
    """A month of a series; value and limits are None where nothing is published of it, or no value.

    `method_version` is that of the value, '' without one. `vintage` is None of what is not published.
    """

    month: str
    value: float | None
    low: float | None
    high: float | None
    method_version: str = ""
    vintage: str | None = None


@dataclass(frozen=True)
class Series:
    """An indicator of one dimension over the months, all of them, the oldest first, in one unit."""

    group: str
    indicator: str
    dimension: str | None
    unit: str
    points: tuple[Point, ...]

    @property
    def valued(self) -> tuple[Point, ...]:
        """The months with a value."""
        return tuple(each for each in self.points if each.value is not None)


def history_of(store: Store, now: MonthMeasures, by: datetime | None = None) -> tuple[Series, ...]:
    """Return the series of a month's headlines up to it, of what was published until `by` where that is given.

    At most MOST_MONTHS months, from the first one with a value on.
    """
    months = _months_up_to(now.month)
    known = {each.month: each for each in issues(store, economies=[now.economy], months=months[:-1], by=by)}
    told = published_values(store, known.values(), INDICATORS) if known else {}
    series = []
    for group, headline, dimension in headlines_in(now):
        method = now.methods.get(headline.indicator)
        if method is None:
            continue
        points = [
            _point(month, told.get(known[month].vintage, ()), known[month].vintage, headline.indicator, dimension, method)
            if month in known
            else Point(month, None, None, None)
            for month in months[:-1]
        ]  # fmt: skip
        own = next(each for each in now.observations[headline.indicator] if each.dimension == dimension)
        points.append(Point(now.month, own.value, own.low, own.high, method.version, now.vintage))
        first = next(at for at, each in enumerate(points) if each.value is not None)
        series.append(Series(group, headline.indicator, dimension, method.unit, tuple(points[first:])))
    return tuple(series)


def _point(
    month: str,
    told: tuple[PublishedValue, ...],
    vintage: str,
    indicator: str,
    dimension: str | None,
    method: Method,
) -> Point:
    wanted = (indicator, dimension)
    found = next(
        (each for each in told if (each.observation.indicator, each.observation.dimension) == wanted), None
    )
    # Of another unit there is no place on the axis.
    if found is None or found.observation.value is None or found.unit != method.unit:
        return Point(month, None, None, None, vintage=vintage)
    own = found.observation
    return Point(month, own.value, own.low, own.high, found.method_version, vintage)


def _months_up_to(month: str) -> list[str]:
    chosen = [Month.parse(month)]
    while len(chosen) < MOST_MONTHS:
        chosen.append(chosen[-1].before)
    return [str(each) for each in reversed(chosen)]
