"""National totals from partial coverage: what reporting operators carry, and what the whole economy may.

Observed and estimated are two figures, never one. The estimate takes the people who are not covered to use
r bytes each, r being the bytes per declared subscriber of the operators that reported and declared (a ratio
estimator, Cochran, *Sampling Techniques*, 1977, ch. 6). Its interval holds, at their worst together: packet
sampling; both counts of people ± 10 %; and that the networks that are missing are not like those that
report, by a factor h either way. From three operators on h is measured: the 95 % prediction interval of
one further operator's bytes per subscriber, normal on the log scale. With fewer it is assumed to be 2, and
flagged. Shares are not scaled: they are stated of the networks that report.

What stays in the country, leaves it and comes into it is told apart by where far ends are. The intervals of these three
hold, beside what the sum of all has: that what has no known place is all at home or all abroad, and the errors of the address
database, as those of J1 do; and that what two networks exchange may count once or twice where that is not known.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import stdev

import numpy as np
import polars as pl

from caudal.service.attribution.exchange import BORDERS, DOMESTIC, limits_of_counting
from caudal.service.confidentiality.confidentiality import CONFIDENTIAL, Objection, Withheld
from caudal.service.indicators import Observation
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.observation import FLAGS as OBSERVATION_FLAGS
from caudal.service.indicators.model.observation import UNDECLARED_OPERATORS, ordered
from caudal.service.indicators.model.uncertainty import Quantity, envelope, normal_interval
from caudal.service.indicators.statistics.accuracy import domestic_accuracy
from caudal.service.indicators.statistics.location import location_scenarios
from caudal.service.national.doublemetering import EXCHANGE_DOUBTFUL, WORTH_TELLING
from caudal.service.vocabulary.reason import Reason, reason

# Raised by whatever can change a total, like the method version of an indicator.
METHOD_VERSION = "2"
# Bytes less, and bytes more.
Margin = tuple[float, float]

USERS_ERROR = 0.10
ASSUMED_SPREAD = 2.0
LEVEL = 0.95

SPREAD_ASSUMED = "spread_assumed"
USERS_EXCEEDED = "users_exceeded"
FLAGS: Mapping[str, str] = {
    SPREAD_ASSUMED: "fewer than three operators declared subscribers: networks that do not report are assumed to "
    "carry between half and twice as much per person",
    USERS_EXCEEDED: "operators declared more subscribers than the economy has internet users; nothing is added",
    UNDECLARED_OPERATORS: OBSERVATION_FLAGS[UNDECLARED_OPERATORS],
}

# Student's t, 97.5 %, by degrees of freedom; between two, the lower one is taken.
_T = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228,
      15: 2.131, 20: 2.086, 30: 2.042, 60: 2.000}  # fmt: skip

# What each total adds up, by the border that a cell crosses or does not.
TOTALS = {"bytes_domestic": (DOMESTIC,), "bytes_out": ("out",), "bytes_in": ("in",), "bytes": BORDERS}
# Indicators that are amounts per person: the estimate is of all people, those covered and the others.
PER_USER_UNITS = frozenset({"GB/user/month"})


@dataclass(frozen=True)
class Figure:
    """A value in its interval at 95 %."""

    value: float
    low: float
    high: float

    @classmethod
    def rounded(cls, value: float, low: float, high: float) -> "Figure":
        """Return the figure with limits on either side of the value, to as many digits as an indicator has."""
        low, value, high = ordered(min(low, value), value, max(high, value), "a national total")
        return cls(value, low, high)


@dataclass(frozen=True)
class NationalTotal:
    """A total of an economy's month: as observed, and as estimated of the whole economy.

    `what` is one of TOTALS or the id of an indicator per user. Where `estimated` is None, `reason` says why;
    where both are, what is withheld. `spread` is the factor h of the estimate.
    """

    what: str
    unit: str
    observed: Figure | None
    estimated: Figure | None
    spread: float | None
    flags: tuple[str, ...]
    reason: Reason | None


def national_totals(
    cells: pl.DataFrame,
    subscribers: Mapping[str, float],
    internet_users: int | None,
    per_user: Mapping[str, Observation],
    deviation: float = 0.0,
    margins: Mapping[str, Margin] | None = None,
) -> list[NationalTotal]:
    """Return the totals of a month, and the indicators per user of `per_user`, observed and estimated.

    `cells` has operator, border, bytes, bytes_variance, counted, doubtful; `subscribers` are those declared by the operators
    that reported. `deviation` is that of the factors by which the operators' traffic was multiplied, about 1. `margins` are
    what `location_margins` answers; without them every place is taken as known.
    """
    least, most = limits_of_counting()
    operators = (
        cells.filter(pl.col("border").is_in(BORDERS))
        .with_columns(pl.col("bytes", "bytes_variance").cast(pl.Float64))
        .group_by("operator", "border")
        .agg(
            pl.col("bytes").sum(),
            pl.col("bytes_variance").sum(),
            least.sum().alias("least"),
            most.sum().alias("most"),
        )
        .sort("operator", "border")
    )
    everything = float(operators["bytes"].sum())
    totals = [
        _total(
            name,
            _Carried(
                operators.filter(pl.col("border").is_in(borders)),
                operators,
                everything,
                (margins or {}).get(name, (0.0, 0.0)),
                deviation,
            ),
            subscribers,
            internet_users,
        )
        for name, borders in TOTALS.items()
    ]
    both = totals[-1]
    return totals + [_per_user(each, both, subscribers, internet_users) for each in per_user.values()]


def withhold_totals(
    totals: Iterable[NationalTotal], whole: Objection | None, scaled: Objection | None
) -> tuple[tuple[NationalTotal, ...], tuple[Withheld, ...]]:
    """Return totals without what must not be published, and what that is.

    `whole` forbids the sums of all operators, and then everything; `scaled` what goes by declared subscribers.
    """
    kept: list[NationalTotal] = []
    withheld: list[Withheld] = []
    for total in totals:
        seen = whole is None and total.what in TOTALS
        objection = scaled if whole is None else whole
        if objection is None or (total.estimated is None and (seen or total.observed is None)):
            kept.append(total)
            continue
        entry = Withheld(total.what, "primary", objection.rule, objection.why)
        withheld.append(entry)
        flags = tuple(sorted({*total.flags, CONFIDENTIAL})) if seen else (CONFIDENTIAL,)
        kept.append(
            replace(
                total,
                observed=total.observed if seen else None,
                estimated=None,
                spread=None,
                flags=flags,
                reason=entry.reason,
            )
        )
    return tuple(kept), tuple(withheld)


@dataclass(frozen=True)
class _Carried:
    """Traffic of operators in a flow: operator, bytes, bytes_variance, least, most; and of all flows.

    `margin` is by how much less and more it may be for want of places, over all operators, which carry `everything`.
    """

    rows: pl.DataFrame
    all_flows: pl.DataFrame
    everything: float
    margin: Margin
    deviation: float

    def of(self, operators: Collection[str]) -> "_Carried":
        """Return the part that these operators carry."""
        own = pl.col("operator").is_in(list(operators))
        return replace(self, rows=self.rows.filter(own), all_flows=self.all_flows.filter(own))

    def figure(self) -> Figure:
        """Return the sum, in the interval of sampling, factors, doubts and places."""
        rows, value = self.rows, float(self.rows["bytes"].sum())
        moved = sum(
            (self.deviation * amount) ** 2
            for amount in rows.group_by("operator").agg(pl.col("bytes").sum())["bytes"]
        )
        quantity = Quantity(value, float(rows["bytes_variance"].sum()) + moved)
        low, high = normal_interval(quantity, LEVEL, 0.0)
        part = float(self.all_flows["bytes"].sum()) / self.everything if self.everything else 0.0
        low += float((rows["least"] - rows["bytes"]).sum()) - part * self.margin[0]
        high += float((rows["most"] - rows["bytes"]).sum()) + part * self.margin[1]
        return Figure.rounded(value, max(0.0, low), high)


def location_margins(month: MonthCells) -> dict[str, Margin]:
    """Return by how many bytes less and more each flow may be for want of known places, and for wrong ones.

    Domestic bytes are those of all cells that may be in the country; of what was sent, what leaves is the rest, and
    so of what was received. `bytes`, the sum of the flows, has no margin.
    """
    country = month.context.economy.country
    accuracy = domestic_accuracy(month.context)
    parts = {DOMESTIC: np.ones(len(month), dtype=np.bool_), "out": month.outward, "in": ~month.outward}
    margins: dict[str, Margin] = {}
    for name, which in parts.items():
        part = replace(month, cells=month.cells.filter(pl.Series(which)))
        if part.total() <= 0:
            continue
        inside, everywhere = part.equals("remote_country", country), np.ones(len(part), dtype=np.bool_)
        scenarios = list(location_scenarios(part, inside, everywhere, everywhere, accuracy, LEVEL))
        least, most = envelope(each.interval for each in scenarios)
        down, up = (
            max(0.0, way) * part.total() for way in (scenarios[0].value - least, most - scenarios[0].value)
        )
        margins[f"bytes_{name}"] = (down, up) if name == DOMESTIC else (up, down)
    return margins


def _total(
    name: str, carried: _Carried, subscribers: Mapping[str, float], internet_users: int | None
) -> NationalTotal:
    rows, observed = carried.rows, carried.figure()
    declaring = carried.of(subscribers.keys())
    by_operator = declaring.rows.group_by("operator").agg(pl.col("bytes").sum()).sort("operator")
    users = sum(subscribers.values())
    why = _obstacle(users, internet_users)
    if why is None and not by_operator["bytes"].sum():
        why = reason("declared_traffic")
    open_ = float((rows["most"] - rows["least"]).sum())
    doubts = {EXCHANGE_DOUBTFUL} if open_ > WORTH_TELLING * observed.value else set[str]()
    if why is not None or internet_users is None:
        return NationalTotal(name, "bytes", observed, None, None, tuple(sorted(doubts)), why)
    rates = [bytes_ / subscribers[operator] for operator, bytes_ in by_operator.iter_rows() if bytes_ > 0]
    spread, flags = spread_of(rates)
    flags |= doubts
    missing = max(0.0, internet_users - users)
    fewest = max(0.0, internet_users * (1 - USERS_ERROR) - users * (1 + USERS_ERROR))
    most = max(0.0, internet_users * (1 + USERS_ERROR) - users * (1 - USERS_ERROR))
    own = declaring.figure()
    value = own.value + own.value / users * missing
    low = own.low + own.low / (users * (1 + USERS_ERROR)) / spread * fewest
    high = own.high + own.high / (users * (1 - USERS_ERROR)) * spread * most
    if users > internet_users:
        flags.add(USERS_EXCEEDED)
    if declaring.rows.height < rows.height:
        flags.add(UNDECLARED_OPERATORS)
    # What was seen is there, whoever declared what.
    estimated = Figure.rounded(max(value, observed.value), max(low, observed.low), max(high, observed.high))
    return NationalTotal(name, "bytes", observed, estimated, spread, tuple(sorted(flags)), None)


def _per_user(
    observation: Observation,
    both: NationalTotal,
    subscribers: Mapping[str, float],
    internet_users: int | None,
) -> NationalTotal:
    name = observation.indicator
    unit = "GB/user/month"
    if observation.value is None or observation.low is None or observation.high is None:
        return NationalTotal(name, unit, None, None, None, (), observation.reason)
    observed = Figure(observation.value, observation.low, observation.high)
    if both.estimated is None or both.spread is None or internet_users is None:
        return NationalTotal(name, unit, observed, None, None, (), both.reason)
    covered = min(1.0, sum(subscribers.values()) / internet_users)
    spread = both.spread
    estimated = Figure.rounded(
        observed.value,
        observed.low * (covered + (1 - covered) / spread),
        observed.high * (covered + (1 - covered) * spread),
    )
    return NationalTotal(name, unit, observed, estimated, spread, both.flags, None)


def spread_of(rates: list[float]) -> tuple[float, set[str]]:
    """Return the factor by which networks that do not report may differ, from those that do; and flags."""
    if len(rates) < 3:
        return ASSUMED_SPREAD, {SPREAD_ASSUMED}
    freedom = max(each for each in _T if each <= len(rates) - 1)
    deviation = stdev(math.log(rate) for rate in rates)
    return math.exp(_T[freedom] * deviation * math.sqrt(1 + 1 / len(rates))), set()


def _obstacle(users: float, internet_users: int | None) -> Reason | None:
    if not users:
        return reason("declared_subscribers")
    if not internet_users:
        return reason("internet_users")
    return None
