"""Tariffs: the duties that a country could levy on what is delivered as a transmission, and no longer on carriers."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    last_day,
    needs,
    rows,
)
from caudal.service.indicators.facts.treaties import Bans, Barred, bans, barred
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import (
    DETAILS,
    LEVEL,
    METHOD,
    band,
    between,
    estimate,
    uniform,
)
from caudal.service.vocabulary.reason import Reason, joined

LINES = "tariff_lines"
LINES_COLUMNS = ("hs6", "keep", "apart")
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
# What an event made of the moratorium.
IN_FORCE = "in_force"

PREFERENCES_UNKNOWN = "preferences_unknown"

APPLIED, BOUND, DEMAND = "applied_rates", "bound_rates", "applied_rates_demand_vat"
# Lines that would dominate the sum of the others are a scenario of their own.
CONSOLES = "applied_rates_consoles"
RATE_OF = {APPLIED: "mfn_applied", BOUND: "bound", DEMAND: "mfn_applied", CONSOLES: "mfn_applied"}


@dataclass(frozen=True)
class Line:
    """A subheading's imports of the base year and of the last one, USD, and its growth until the base year.

    `apart` says that it is no part of the sum. `preferential` is the share of its last imports that came free of duty
    under a trade agreement; None where it is not known.
    """

    hs6: str
    apart: bool
    base: float
    growth: float
    last: float
    years: int
    last_year: int
    preferential: float | None
    rows: tuple[Row, ...]

    def displaced(self, growth_share: FloatArray) -> FloatArray:
        """Return the imports on carriers, in USD, at so much of the growth, less those that still happen."""
        carried = self.base * (1 + growth_share * self.growth) ** self.years
        return np.maximum(0.0, carried - self.last)

    def leviable(self, treaties: Barred) -> tuple[float, float]:
        """Return the least and the greatest share of what it displaced on which a duty could be levied.

        Preferences and bans may fall on the same partners or on others: at most the larger of both bars the way, at
        least both together do (the bounds of Fréchet).
        """
        least, most = (0.0, 1.0) if self.preferential is None else (self.preferential, self.preferential)
        return max(0.0, 1 - most - treaties.high), 1 - max(least, treaties.low)


def tariff_space(month: MonthCells, _: Definition) -> list[Estimate]:
    """V7: duty on the imports of digitisable products that no longer come on carriers, by scenario."""
    context, country = month.context, month.context.economy.country
    lines, rates = _lines(context), _rates(context)
    if not lines or not rates:
        lacking = []
        if not rates:
            lacking.append(needs(context, "duties", RATES, RATES_COLUMNS, country=country))
        if not lines:
            lacking.append(_no_imports(context))
        return [undefined(joined(*lacking), month.flows())]
    binding = bans(context)
    shares = barred(month, binding.partners, LEVEL)
    return [
        _space(
            month,
            scenario,
            [line for line in lines if line.apart == (scenario == CONSOLES)],
            rates,
            binding,
            shares,
        )
        for scenario in RATE_OF
    ]


def _no_imports(context: Context) -> Reason:
    figures = {"country": context.economy.country, "lines": LINES, "year": str(BASE_YEAR)}
    return needs(context, "product_imports", IMPORTS, IMPORTS_COLUMNS, **figures)


def _space(
    month: MonthCells,
    scenario: str,
    lines: list[Line],
    rates: Mapping[tuple[str, str], Row],
    binding: Bans,
    shares: Barred,
) -> Estimate:
    context = month.context
    used = [
        (line, rates[line.hs6, RATE_OF[scenario]]) for line in lines if (line.hs6, RATE_OF[scenario]) in rates
    ]
    if not lines:
        return undefined(_no_imports(context), month.flows(), scenario)
    if not used:
        code = "bound_duties" if scenario == BOUND else "applied_duties"
        why = needs(context, code, RATES, RATES_COLUMNS, country=context.economy.country)
        return undefined(why, month.flows(), scenario)
    # One factor for all lines: whose goods these were is not known line by line.
    place = uniform("share open to duty")

    def duty(growth_share: FloatArray, *, open_only: bool = False) -> FloatArray:
        total = np.zeros(1)
        for line, rate in used:
            least, most = line.leviable(shares) if open_only else (1.0, 1.0)
            part = least + (most - least) * place if least < most else np.array(most)
            displaced = line.displaced(growth_share) * _revenue(scenario, float(rate["percent"]) / 100)
            total = total + part * displaced
        return np.asarray(total)

    age = age_years(end_of(max(line.last_year for line, _ in used)), context)
    rates_age = age_years(end_of(min(int(rate["year"]) for _, rate in used)), context)
    growth = uniform("growth of imports on carriers")
    changed = drift("imports of digitisable products", age)
    details = {
        "lines": float(len(used)),
        "lines_zero": float(sum(rate["percent"] == 0 for _, rate in used)),
        "base_year": float(BASE_YEAR),
        "year": float(max(line.last_year for line, _ in used)),
        "rates_year": float(min(int(rate["year"]) for _, rate in used)),
        "no_growth": band(duty(np.zeros(1))).value,
        "full_growth": band(duty(np.ones(1))).value,
        "without_treaties": band(duty(growth) * changed).value,
        "treaties": float(binding.treaties),
        "barred_low": shares.low,
        "barred_high": shares.high,
    }
    flags = set(flags_of([row for line, rate in used for row in (*line.rows, rate)], age, rates_age))
    flags |= binding.flags
    if any(rate.get("lines_not_ad_valorem") for _, rate in used):
        flags.add(WEAK_FACTS)
    if any(line.preferential is None for line, _ in used):
        flags.add(PREFERENCES_UNKNOWN)
    in_force = moratorium_in_force(context)
    if in_force is not None:
        details["moratorium_in_force"] = float(in_force)
        if not in_force:
            flags.add(MORATORIUM_LAPSED)
    draws = duty(growth, open_only=True) * changed
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
    """Return the lines kept whose imports are known well enough, in order."""
    listed = {str(row["hs6"]): row for row in rows(context, LINES, LINES_COLUMNS) if row["keep"]}
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
        preferential = series[last].get("preferential_percent")
        lines.append(
            Line(
                hs6,
                bool(listed[hs6]["apart"]),
                of[base],
                growth,
                of[last],
                last - base,
                last,
                None if preferential is None else float(preferential) / 100,
                used,
            )
        )
    return lines


def moratorium_in_force(context: Context) -> bool | None:
    """Return True if the WTO's moratorium held on the month's last day; None where the facts do not say."""
    state: bool | None = None
    for row in sorted(rows(context, "moratorium", ("date", "effect")), key=lambda row: str(row["date"])):
        if str(row["date"]) > last_day(context).isoformat():
            break
        if row["effect"]:
            state = row["effect"] == IN_FORCE
    return state


INDICATORS = (
    Indicator(
        Definition(
            id="V7",
            group="value",
            base="displaced_imports",
            name="Tariffs that could be levied on digital deliveries",
            unit="USD/year",
            range=(0.0, None),
            formula="TRF = Σ_h τ_h · o_h · max(0, M_h0 · (1 + u·g_h)^t − M_ht), h the subheadings kept in tariff_lines.csv, "
            f"M their imports on carriers in the last year up to {BASE_YEAR} (0) and in the last known one (t), g_h "
            "the yearly growth from the first known year to year 0, o_h the share on which a duty could be levied: "
            "1 − max(p_h, b) at most, 1 − p_h − b at least, p_h the share of the imports that came free under trade "
            "agreements, b the share of the bytes in from abroad that partners control towards whom a treaty bans "
            "duties on electronic transmissions. Scenarios: τ as applied; as bound; as applied, with imports falling "
            "to M·(1+τ)^−ε and VAT lost on what they fall by; as applied, of video game consoles alone, which are in "
            "none of the others",
            inputs=(
                "facts.tariff_lines",
                "facts.tariff_rates",
                "facts.product_imports",
                "facts.treaty_bans",
                "facts.moratorium",
                "direction",
                "bytes",
                "bytes_variance",
                "control",
                "platform",
                "remote_asn",
            ),
            uncertainty=f"{METHOD} u anywhere in [0, 1]: from no growth of the demand (no_growth) to all of "
            "that before (full_growth), one for all lines; o_h anywhere between its limits, p_h in [0, 1] where it is "
            "not known, b from the bytes that partners control by every reading to those they control by any, and all "
            "of unknown operators, with the sampling error of both; ε in [0.5, 1.5] and VAT in [0, 25 %], judgements; the change since the imports "
            "within e^(±0.25·√years). The scenarios are not parts of a whole.",
            source="Banga, UNCTAD Research Paper 29 (2019) and South Centre Research Paper 157 (2022); against "
            "it OECD 2019, ECIPE 2019",
            source_status="verified_formula_memory_base_year",
            critique="The lines kept are a review of candidates, not the UN's own list of 49: blank media, memory cards, "
            "banknotes and games that are things are out. Goods covered by the Information Technology Agreement enter "
            "free where a country has joined it: its rates say so (lines_zero). Bytes stand for the value of what "
            "partners deliver, and who controls a platform for the origin that a treaty asks for. Duties fall on buyers "
            "at home: ECIPE puts the loss of output above the revenue for India, Indonesia, South Africa and China, the "
            "OECD points to demand and VAT; published estimates for the world lie between USD 0.28 and 10 billion a "
            "year. Until the moratorium lapsed on 30 or 31 March 2026 the figure is what a member had to forgo; since "
            "then it is what it could levy, if it chose to, on deliveries from partners to whom no treaty binds it. "
            "Revisions of the Harmonized System move products between codes.",
            short="What customs could levy if duties on goods that are now delivered digitally applied to "
            "the deliveries. It is room for negotiation, not lost revenue: duties fall on buyers at "
            "home, and treaties may bar them. Until March 2026 the moratorium of the WTO forbade them "
            "to its members. Needs the country's imports and duties by product.",
            clause="Customs duties {base} ({of}) could bring an estimated {value} {aside}",
            cautions=("duties",),
            sums_up=("applied_rates", "bound_rates"),
            method_version="2",
            minimum_flows=0,
            dimension="scenario",
            level=LEVEL,
            details={
                **DETAILS,
                "lines": "subheadings with imports and a rate",
                "lines_zero": "of them, subheadings whose rate is zero",
                "base_year": "last year whose imports may be year 0",
                "year": "year of the last imports",
                "rates_year": "year of the oldest rate used",
                "no_growth": "revenue if demand had not grown since year 0 and nothing were barred, USD, P50",
                "full_growth": "revenue if demand had grown on as before year 0 and nothing were barred, USD, P50",
                "without_treaties": "the value if neither preferences nor treaties barred any of it, USD, P50",
                "treaties": "treaties in force that ban such duties",
                "barred_low": "least share of the bytes in from abroad that partners of these treaties control",
                "barred_high": "the greatest",
                "moratorium_in_force": "1 if the moratorium held on the month's last day, 0 if it had lapsed",
            },
        ),
        tariff_space,
    ),
)
