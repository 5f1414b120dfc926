"""Trade: the balance of digital services, and the duties that digital delivery does without."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from caudal.service.indicators.cells import Month
from caudal.service.indicators.context import Context
from caudal.service.indicators.definition import Definition
from caudal.service.indicators.figures import (
    MILLION,
    WEAK_FACTS,
    Row,
    age_years,
    drift,
    end_of,
    first_day,
    flags_of,
    last_day,
    needs,
    rows,
    yearly_change,
)
from caudal.service.indicators.indicator import Indicator
from caudal.service.indicators.montecarlo import (
    DETAILS,
    LEVEL,
    METHOD,
    band,
    between,
    estimate,
    uniform,
)
from caudal.service.indicators.observation import Estimate, undefined
from caudal.service.indicators.uncertainty import FloatArray
from caudal.service.reason import joined, reason

SERVICES = "services_trade"
SERVICES_COLUMNS = ("country", "year", "flow", "item", "value_usd_m")
FLOWS = ("export", "import")
# Figures of trade in services are revised, and mirror figures disagree by more than this.
REVISION = 0.10
IMPUTED = "likely imputed"
IMPUTED_REVISION = 0.25

LINES = "tariff_lines"
LINES_COLUMNS = ("hs6", "in_un_list_of_49")
RATES = "tariff_rates"
RATES_COLUMNS = ("country", "year", "hs6", "hs_revision", "rate", "percent")
IMPORTS = "product_imports"
IMPORTS_COLUMNS = ("country", "year", "hs6", "hs_revision", "value_usd_m")
# The last year whose imports are taken as still carried on carriers: growth up to it is projected.
BASE_YEAR = 2010
# The demand for imports falls by so many per cent for each per cent of price.
ELASTICITY = (0.5, 1.5)
# Value-added tax that is levied on digital deliveries already, and falls with them.
VAT = (0.0, 0.25)
MORATORIUM_LAPSED = "moratorium_lapsed"

APPLIED, BOUND, DEMAND = "applied_rates", "bound_rates", "applied_rates_demand_vat"
RATE_OF = {APPLIED: "mfn_applied", BOUND: "bound", DEMAND: "mfn_applied"}


def services_balance(month: Month, _: Definition) -> list[Estimate]:
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


def _balance(month: Month, item: str, found: list[Row]) -> Estimate:
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
    if any(IMPUTED in row["note"] for row in used):
        flags.add(WEAK_FACTS)
    return estimate(band(exports - imports), month.flows(), item, details, flags)


def _traded(flow: str, item: str, series: Mapping[int, Row], year: int, age: float) -> FloatArray:
    row = series[year]
    error = IMPUTED_REVISION if IMPUTED in row["note"] else REVISION
    revised = between(f"revision of {flow}s of {item}", 1 - error, 1 + error)
    change = yearly_change({each: float(its["value_usd_m"]) for each, its in series.items()})
    return np.asarray(
        float(row["value_usd_m"]) * MILLION * revised * drift(f"{flow}s of {item}", age, change)
    )


@dataclass(frozen=True)
class Line:
    """A subheading's imports of the base year and of the last one, USD, and its growth until the base year."""

    hs6: str
    base: float
    growth: float
    last: float
    years: int
    last_year: int
    rows: tuple[Row, ...]

    def displaced(self, growth_share: FloatArray) -> FloatArray:
        """Return what would be imported on carriers at so much of the growth, less what still is, USD."""
        carried = self.base * (1 + growth_share * self.growth) ** self.years
        return np.maximum(0.0, carried - self.last)


def tariff_forgone(month: Month, _: Definition) -> list[Estimate]:
    """V7: duty on the imports of digitisable products that no longer come on carriers, by scenario."""
    context, country = month.context, month.context.economy.country
    lines, rates = _lines(context), _rates(context)
    if not lines or not rates:
        lacking = []
        if not rates:
            lacking.append(needs(context, "duties", RATES, RATES_COLUMNS, country=country))
        if not lines:
            figures = {"country": country, "lines": LINES, "year": str(BASE_YEAR)}
            lacking.append(needs(context, "product_imports", IMPORTS, IMPORTS_COLUMNS, **figures))
        return [undefined(joined(*lacking), month.flows())]
    return [_forgone(month, scenario, lines, rates) for scenario in RATE_OF]


def _forgone(
    month: Month, scenario: str, lines: list[Line], rates: Mapping[tuple[str, str], Row]
) -> Estimate:
    context = month.context
    used = [
        (line, rates[line.hs6, RATE_OF[scenario]]) for line in lines if (line.hs6, RATE_OF[scenario]) in rates
    ]
    if not used:
        code = "bound_duties" if scenario == BOUND else "applied_duties"
        why = needs(context, code, RATES, RATES_COLUMNS, country=context.economy.country)
        return undefined(why, month.flows(), scenario)

    def duty(growth_share: FloatArray) -> FloatArray:
        return np.asarray(
            np.sum(
                [
                    line.displaced(growth_share) * _revenue(scenario, float(rate["percent"]) / 100)
                    for line, rate in used
                ],
                axis=0,
            )
        )

    age = age_years(end_of(max(line.last_year for line, _ in used)), context)
    rates_age = age_years(end_of(min(int(rate["year"]) for _, rate in used)), context)
    details = {
        "lines": float(len(used)),
        "base_year": float(BASE_YEAR),
        "year": float(max(line.last_year for line, _ in used)),
        "rates_year": float(min(int(rate["year"]) for _, rate in used)),
        "no_growth": band(duty(np.zeros(1))).value,
        "full_growth": band(duty(np.ones(1))).value,
    }
    flags = set(flags_of([row for line, rate in used for row in (*line.rows, rate)], age, rates_age))
    if any(rate.get("lines_not_ad_valorem") for _, rate in used):
        flags.add(WEAK_FACTS)
    in_force = moratorium_in_force(context)
    if in_force is not None:
        details["moratorium_in_force"] = float(in_force)
        if not in_force:
            flags.add(MORATORIUM_LAPSED)
    draws = duty(uniform("growth of imports on carriers")) * drift("imports of digitisable products", age)
    return estimate(band(draws), month.flows(), scenario, details, flags)


def _revenue(scenario: str, rate: float) -> FloatArray:
    """Return the public revenue of a rate, as a part of the imports before it.

    With demand and VAT: imports fall to M·(1+τ)^−ε, and VAT is levied on them with the duty, where it was
    levied on M without.
    """
    if scenario != DEMAND:
        return np.array(rate)
    remaining = (1 + rate) ** -between("elasticity of demand", *ELASTICITY)
    vat = between("value-added tax", *VAT)
    return np.maximum(0.0, rate * remaining - vat * (1 - remaining * (1 + rate)))


def _newest(found: list[Row]) -> Row:
    return max(found, key=lambda row: (int(row["year"]), str(row["hs_revision"])))


def _rates(context: Context) -> dict[tuple[str, str], Row]:
    """Return the newest rate of each subheading and kind, by the month."""
    own: dict[tuple[str, str], list[Row]] = {}
    for row in rows(context, RATES, RATES_COLUMNS):
        if row["country"] == context.economy.country and row["year"] <= first_day(context).year:
            own.setdefault((str(row["hs6"]), str(row["rate"])), []).append(row)
    return {name: _newest(found) for name, found in own.items()}


def _lines(context: Context) -> list[Line]:
    """Return the listed lines whose imports are known well enough, in order."""
    listed = {
        str(row["hs6"]): row for row in rows(context, LINES, LINES_COLUMNS) if row["in_un_list_of_49"] != "no"
    }
    own: dict[str, dict[int, list[Row]]] = {}
    for row in rows(context, IMPORTS, IMPORTS_COLUMNS):
        mine = row["country"] == context.economy.country and row["year"] <= first_day(context).year
        if mine and str(row["hs6"]) in listed:
            own.setdefault(str(row["hs6"]), {}).setdefault(int(row["year"]), []).append(row)
    lines = []
    for hs6, years in sorted(own.items()):
        series = {year: _newest(found) for year, found in years.items()}
        before = sorted(year for year in series if year <= BASE_YEAR and series[year]["value_usd_m"] > 0)
        after = [year for year in series if year > BASE_YEAR]
        if len(before) < 2 or not after:
            continue
        first, base, last = before[0], before[-1], max(after)
        of = {year: float(series[year]["value_usd_m"]) * MILLION for year in (first, base, last)}
        growth = (of[base] / of[first]) ** (1 / (base - first)) - 1
        used = (listed[hs6], *(series[year] for year in (first, base, last)))
        lines.append(Line(hs6, of[base], growth, of[last], last - base, last, used))
    return lines


def moratorium_in_force(context: Context) -> bool | None:
    """Return whether the WTO's moratorium held on the month's last day; None where the facts do not say."""
    state: bool | None = None
    events = [row for row in rows(context, "moratorium", ("date", "kind", "what")) if row["kind"] == "event"]
    for row in sorted(events, key=lambda row: (str(row["date"]), str(row["what"]))):
        if str(row["date"]) > last_day(context).isoformat():
            break
        if "lapsed" in row["what"]:
            state = False
        elif "adopted" in row["what"] or "extended" in row["what"]:
            state = True
    return state


INDICATORS = (
    Indicator(
        Definition(
            id="V6",
            group="value",
            title={
                "en": "Digital services balance",
                "es": "Balanza de servicios digitales",
                "pt": "Balança de serviços digitais",
            },
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
    Indicator(
        Definition(
            id="V7",
            group="value",
            title={
                "en": "Tariff revenue forgone, or policy space",
                "es": "Recaudación arancelaria no percibida, o espacio de política",
                "pt": "Receita tarifária não arrecadada, ou espaço de política",
            },
            unit="USD/year",
            range=(0.0, None),
            formula="TRF = Σ_h τ_h · max(0, M_h0 · (1 + u·g_h)^t − M_ht), h the digitisable subheadings, M their "
            f"imports on carriers in the last year up to {BASE_YEAR} (0) and in the last known one (t), g_h "
            "the yearly growth from the first known year to year 0. Three scenarios: τ as applied; as bound; "
            "as applied, with imports falling to M·(1+τ)^−ε and VAT lost on what they fall by",
            inputs=("facts.tariff_lines", "facts.tariff_rates", "facts.product_imports", "facts.moratorium"),
            uncertainty=f"{METHOD} u anywhere in [0, 1]: from no growth of the demand (no_growth) to all of "
            "that before (full_growth), one for all lines; ε in [0.5, 1.5] and VAT in [0, 25 %], judgements; "
            "the change since the imports within e^(±0.25·√years). The scenarios are not parts of a whole.",
            source="Banga, UNCTAD Research Paper 29 (2019) and South Centre Research Paper 157 (2022); against "
            "it OECD 2019, ECIPE 2019",
            source_status="verified_formula_memory_base_year",
            critique="The candidate lines are not the UN's own list of 49. Duties fall on buyers at home: ECIPE "
            "puts the loss of output above the revenue for India, Indonesia, South Africa and China, the OECD "
            "points to demand and VAT; published estimates for the world lie between USD 0.28 and 10 billion a "
            "year. Since the moratorium lapsed on 30 or 31 "
            "March 2026 the figure is what a country could levy, not what it must forgo; members of an "
            "agreement that bans such duties among them have less space. Revisions of the Harmonized System "
            "move products between codes.",
            method_version="1",
            minimum_flows=0,
            dimension="scenario",
            level=LEVEL,
            details={
                **DETAILS,
                "lines": "subheadings with imports and a rate",
                "base_year": "last year whose imports may be year 0",
                "year": "year of the last imports",
                "rates_year": "year of the oldest rate used",
                "no_growth": "revenue if demand had not grown since year 0, USD, P50",
                "full_growth": "revenue if demand had grown on as before year 0, USD, P50",
                "moratorium_in_force": "1 if the moratorium held on the month's last day, 0 if it had lapsed",
            },
        ),
        tariff_forgone,
    ),
)
