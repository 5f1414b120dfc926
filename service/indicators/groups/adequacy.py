"""Adequacy: how much lies where a regime of data protection says that it is safe to send personal data."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from caudal.service.indicators.facts.figures import FROM_MEMORY, WEAK, WEAK_FACTS
from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.context import UNCHECKED, Context
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import Interval, envelope, share_interval, weighted_share
from caudal.service.indicators.model.validity import holding, members
from caudal.service.indicators.statistics.accuracy import ERRORS_POINT_TO, abroad_accuracy
from caudal.service.indicators.statistics.location import ACCURACY, LOCATION, location_scenarios
from caudal.service.vocabulary.dimension import strict as strict_reading
from caudal.service.vocabulary.reason import Reason, reason

# The regime whose list others took as their model, and their own is compared with.
MODEL = "EU"
# The territory of the regime of the Union: its members, and those of the EEA that are not.
UNION = ("EU", "EEA_EFTA")
ADEQUATE, PARTIAL = "adequate", "adequate_partial"
# What a row is of: a country, or all that no other row names. An organisation is no place.
COUNTRY, REST = "country", "rest"
COLUMNS = ("regime", "country", "covers", "level", "date")


@dataclass(frozen=True)
class Standing:
    """The countries into which a regime lets personal data go in a month.

    `full` are countries found adequate all month, the regime's own included; `partial` those found so in
    part (certified companies, one sector) or for some days. `open_ended` says that a decision covers
    countries that no row names. `unchecked` are countries whose rows were not checked, `weak` those whose
    rows were seen in one secondary document only.
    """

    full: frozenset[str]
    partial: frozenset[str]
    open_ended: bool
    unchecked: frozenset[str]
    weak: frozenset[str]


def standing(context: Context, regime: str) -> Standing | None:
    """Return the standing of a regime in the month; None where no row names a country."""
    rows = context.fact("adequacy")
    if not set(COLUMNS) <= set(rows.columns):
        return None
    rows = rows.filter((pl.col("regime") == regime) & pl.col("level").is_in([ADEQUATE, PARTIAL]))
    first, last = (_decided(rows, day) for day in (context.first_day, context.last_day))
    either = pl.concat([first, last]).unique(maintain_order=True)
    named = either.filter(pl.col("covers") == COUNTRY)
    if named.is_empty():
        return None

    def found(rows: pl.DataFrame, *levels: str) -> frozenset[str]:
        rows = rows.filter(pl.col("level").is_in(levels) & (pl.col("covers") == COUNTRY))
        return frozenset(rows["country"].to_list())

    def of_status(doubtful: pl.Expr) -> frozenset[str]:
        rows = named.filter(doubtful) if "status" in named.columns else named.clear()
        return frozenset(rows["country"].to_list())

    full = (found(first, ADEQUATE) & found(last, ADEQUATE)) | _territory(context, regime)
    return Standing(
        full,
        found(named, ADEQUATE, PARTIAL) - full,
        not either.filter(pl.col("covers") == REST).is_empty(),
        of_status(pl.col("status").str.contains(UNCHECKED, literal=True)),
        of_status(pl.col("status") == WEAK),
    )


def _no_list(context: Context, regime: str) -> bool:
    """Return True if a row says that the regime has no list of countries, or none yet."""
    rows = context.fact("adequacy")
    if not set(COLUMNS) <= set(rows.columns):
        return False
    rows = rows.filter((pl.col("regime") == regime) & (pl.col("covers") == REST))
    rows = _decided(rows, context.last_day)
    return not rows.filter(~pl.col("level").is_in([ADEQUATE, PARTIAL])).is_empty()


def _decided(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    return holding(rows, day, "date", "expires")


def _territory(context: Context, regime: str) -> frozenset[str]:
    if regime != MODEL:
        return frozenset({regime})
    groups = context.fact("country_groups")
    return frozenset().union(*(members(groups, group) for group in UNION))


def adequacy_share(month: MonthCells, definition: Definition) -> list[Estimate]:
    """J6: the share of all bytes in countries found adequate, by the country's own regime and by the EU's."""
    context = month.context
    country = context.economy.country
    rows = context.fact("adequacy")
    known = rows["regime"].unique().to_list() if "regime" in rows.columns else []
    own = MODEL if country in _territory(context, MODEL) else country
    answers: list[Estimate] = []
    for regime in dict.fromkeys((own, MODEL)):
        if regime not in known and regime != MODEL:
            continue
        found = standing(context, regime)
        if found is None and _no_list(context, regime):
            answers += _unanswered(month, regime, reason("adequacy_no_list", regime=regime))
        elif found is None:
            answers += _unanswered(month, regime, reason("adequacy", columns=", ".join(COLUMNS)))
        elif found.open_ended:
            answers += _unanswered(month, regime, reason("adequacy_whole", regime=regime))
        else:
            answers += [
                _share(month, definition, regime, found, strict=False),
                _share(month, definition, strict_reading(regime), found, strict=True),
            ]
    return answers


def _unanswered(month: MonthCells, regime: str, why: Reason) -> list[Estimate]:
    return [undefined(why, month.flows(), each) for each in (regime, strict_reading(regime))]


def _share(
    month: MonthCells, definition: Definition, name: str, found: Standing, *, strict: bool
) -> Estimate:
    everywhere = np.ones(len(month), dtype=np.bool_)
    least = month.among("remote_country", found.full)
    most = month.among("remote_country", found.full | found.partial)
    certain = attributed = possible = everywhere
    if strict:
        home = frozenset({month.context.economy.country})
        certain, attributed, _ = month.commanded(found.full | home)
        _, _, reached = month.commanded(found.full | found.partial | home)
        possible = reached | ~month.controlled
    accuracy = abroad_accuracy(month.context)

    def scenarios(inside: BoolArray, area: frozenset[str]) -> list[Interval]:
        inward = ERRORS_POINT_TO in area
        found = location_scenarios(
            month, inside, certain, possible, accuracy, definition.level, inward=inward
        )
        return [each.interval for each in found]

    value = weighted_share(
        (month.located & least & attributed).astype(np.float64), month.bytes, month.variance
    )
    intervals = [share_interval(value, definition.level), *scenarios(least, found.full)]
    intervals += scenarios(most, found.full | found.partial)
    low, high = envelope(intervals)
    details = {
        "partial": month.share(month.located & most & ~least & possible),
        "location_unknown": month.share(~month.located),
        "countries": float(len(found.full)),
        "countries_partial": float(len(found.partial)),
    }
    flags = {"accuracy_unmeasured" if accuracy is None else "accuracy_extrapolated"}
    for flag, countries in ((FROM_MEMORY, found.unchecked), (WEAK_FACTS, found.weak)):
        if month.total(month.located & month.among("remote_country", countries)) > 0:
            flags.add(flag)
    return Estimate(value.value, low, high, month.flows(), name, details, frozenset(flags))


INDICATORS = (
    Indicator(
        Definition(
            id="J6",
            group="jurisdiction",
            base="measured",
            name="Share in countries with adequate data protection",
            unit="share",
            range=(0.0, 1.0),
            formula="ADQ_r(t) = B[l ∈ A_r(t)] / B, A_r(t) the countries that regime r finds adequate all through "
            "month t, its own territory included; strict: and (j ∈ A_r(t) or j = c). For the regime of c, "
            "where it names countries, and for that of the EU",
            inputs=(*LOCATION, *ACCURACY, "control", "platform", "remote_asn", "facts"),
            uncertainty="The envelope of sampling (Korn & Graubard) and of bounds: countries found adequate in part "
            "(certified companies, one sector), or for part of the month, all out or all in; bytes of unknown "
            "location, in the strict form also of unknown operators, none or all in; both also corrected by "
            "Rogan-Gladen with the Se measured outside the United States (where the list holds the United "
            "States, to which wrong locations point, on the bytes outside the list) and its error as J1. A list of "
            "which rows name a part only gives no answer, nor does a law that has no list.",
            source="GDPR art. 45; LGPD art. 33; measured on servers: Gamero-Garrido et al., PETS 2025",
            source_status="verified",
            critique="Adequacy is a legal status, not protection; not all traffic is personal data, and data may "
            "lawfully go elsewhere under other safeguards.",
            short="How much of the measured traffic goes to countries whose protection of personal data is "
            "found adequate, by the country's own rules and by those of the EU. Adequacy is a legal "
            "status, not protection. Not all traffic is personal data, and data may lawfully go "
            "elsewhere under other safeguards. Needs 100 flow records, and for the own rules the list "
            "of countries from the data protection authority.",
            clause="{value} {base} {aside} goes to countries whose data protection is adequate under the rules of {from}",
            cautions=("adequacy", "networks"),
            method_version="3",
            dimension="regime",
            details={
                "partial": "share of all bytes in countries found adequate in part or for part of the month",
                "location_unknown": "share of all bytes without a known location, anycast included",
                "countries": "countries in A_r(t)",
                "countries_partial": "countries found adequate in part or for part of the month",
            },
        ),
        adequacy_share,
    ),
)
