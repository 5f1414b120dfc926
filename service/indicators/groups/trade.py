"""Trade: the balance of digital services."""

from collections.abc import Mapping
from itertools import groupby

import numpy as np

from caudal.service.indicators.facts.figures import (
    MILLION,
    WEAK_FACTS,
    Row,
    age_years,
    drift,
    end_of,
    first_day,
    flags_of,
    needs,
    rows,
    yearly_change,
)
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import DETAILS, LEVEL, METHOD, band, between, estimate
from caudal.service.vocabulary.reason import joined, reason

SERVICES = "services_trade"
SERVICES_COLUMNS = ("country", "year", "flow", "item", "value_usd_m")
IMPUTED = "imputed"
FLOWS = ("export", "import")
# Figures of trade in services are revised, and mirror figures disagree by more than this.
REVISION = 0.10
IMPUTED_REVISION = 0.25


def services_balance(month: MonthCells, _: Definition) -> list[Estimate]:
    """V6: exports less imports of services by item, in the last year with both."""
    context, country = month.context, month.context.economy.country
    own = [
        row
        for row in rows(context, SERVICES, SERVICES_COLUMNS)
        if row["country"] == country and row["year"] <= first_day(context).year
    ]
    if not own:
        why = needs(context, "services", SERVICES, SERVICES_COLUMNS, country=country)
        return [undefined(why, month.flows())]
    own.sort(key=lambda row: (str(row["item"]), int(row["year"])))
    return [_balance(month, item, list(found)) for item, found in groupby(own, lambda row: str(row["item"]))]


def _balance(month: MonthCells, item: str, found: list[Row]) -> Estimate:
    series: dict[str, dict[int, Row]] = {
        flow: {int(row["year"]): row for row in found if row["flow"] == flow} for flow in FLOWS
    }
    both = series["export"].keys() & series["import"].keys()
    if not both:
        figures = {"item": item, "country": month.context.economy.country}
        codes = [f"{flow}s" for flow in FLOWS if not series[flow]] or ["both_flows"]
        lacking = [needs(month.context, code, SERVICES, SERVICES_COLUMNS, **figures) for code in codes]
        return undefined(joined(*lacking), month.flows(), item)
    year = max(both)
    age = age_years(end_of(year), month.context)
    used = [series[flow][year] for flow in FLOWS]
    exports, imports = (_traded(flow, item, series[flow], year, age) for flow in FLOWS)
    if not np.all(exports + imports > 0):
        return undefined(reason("no_trade", item=item, year=year), month.flows(), item)
    normalised = band((exports - imports) / (exports + imports))
    details = {
        "exports": float(used[0]["value_usd_m"]) * MILLION,
        "imports": float(used[1]["value_usd_m"]) * MILLION,
        "normalised": normalised.value,
        "normalised_low": normalised.low,
        "normalised_high": normalised.high,
        "year": float(year),
        "age_years": age,
    }
    flags = set(flags_of(used, age))
    if any(row.get(IMPUTED) for row in used):
        flags.add(WEAK_FACTS)
    return estimate(band(exports - imports), month.flows(), item, details, flags)


def _traded(flow: str, item: str, series: Mapping[int, Row], year: int, age: float) -> FloatArray:
    row = series[year]
    error = IMPUTED_REVISION if row.get(IMPUTED) else REVISION
    revised = between(f"revision of {flow}s of {item}", 1 - error, 1 + error)
    change = yearly_change({each: float(its["value_usd_m"]) for each, its in series.items()})
    return np.asarray(
        float(row["value_usd_m"]) * MILLION * revised * drift(f"{flow}s of {item}", age, change)
    )


INDICATORS = (
    Indicator(
        Definition(
            id="V6",
            group="value",
            base="trade_in_services",
            name="Balance of trade in digital services",
            unit="USD/year",
            range=(None, None),
            formula="DSB = X − M, X exports and M imports of an item of services, in the last year with both; "
            "normalised NTB = (X − M) / (X + M) in the details",
            inputs=("facts.services_trade",),
            uncertainty=f"{METHOD} Each flow ± 10 % for revisions and the mirror gap (± 25 % where the source "
            "seems to have imputed it), and its change since within e^(±k·√years), k the largest yearly "
            "change of its own series.",
            source="WTO-OECD BaTIS; UNCTAD, digitally deliverable services",
            source_status="verified",
            critique="Charges for intellectual property are booked where treaties favour it (Ireland, the "
            "Netherlands), and services that cost nothing are absent. “Digitally deliverable” "
            "is what could be delivered over networks, not what was.",
            short="Exports less imports of services that can be delivered digitally, from the trade "
            'statistics. "Can be delivered" is not "was delivered", and services that cost nothing are '
            "absent. Needs the country's trade in services.",
            clause="Exports {base} exceed imports by {value} {aside}",
            clauses={
                "negative": "Imports {base} exceed exports by {value} {aside}",
            },
            cautions=("booking",),
            sums_up=("DDS",),
            method_version="1",
            minimum_flows=0,
            dimension="item",
            level=LEVEL,
            details={
                **DETAILS,
                "exports": "exports, USD, as published",
                "imports": "imports, USD, as published",
                "normalised": "(X − M) / (X + M), P50",
                "normalised_low": "the same, P5",
                "normalised_high": "the same, P95",
                "year": "year of the figures",
                "age_years": "years from the end of that year to the month",
            },
        ),
        services_balance,
    ),
)
