"""Taxation: levies on turnover and what they could raise; taxes on profit and what they do not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from caudal.service.indicators.facts.digitaltax import COLUMNS as TAX_COLUMNS
from caudal.service.indicators.facts.digitaltax import FILE as TAXES
from caudal.service.indicators.facts.digitaltax import DigitalTax, digital_taxes
from caudal.service.indicators.facts.figures import (
    MILLION,
    Row,
    age_years,
    end_of,
    first_day,
    flags_of,
    last_day,
    needs,
    rows,
)
from caudal.service.indicators.facts.filingregions import WORLD
from caudal.service.indicators.facts.levies import ANY, Levies
from caudal.service.indicators.facts.platformrevenue import (
    PlatformRevenue,
    RevenueCapture,
    capture_of,
    flags_together,
)
from caudal.service.indicators.facts.receipts import LEVY
from caudal.service.indicators.groups.valuecaptured import ALL_PLATFORMS, FACTS
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.context import Context
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import Estimate, undefined
from caudal.service.indicators.model.uncertainty import FloatArray, Interval
from caudal.service.indicators.statistics.montecarlo import (
    DETAILS,
    DRAWS,
    LEVEL,
    METHOD,
    band,
    between,
    estimate,
)
from caudal.service.vocabulary.reason import joined

# The part of a platform's earnings that a tax reaches where not the platform itself but another of its company,
# whose earnings are in the same filing, provides what is taxed.
BESIDE_BASE: Interval = (0.0, 0.25)

PROFITS = "platform_profits"
PROFITS_COLUMNS = (
    "platform_id",
    "reporter",
    "period_end",
    "region",
    "revenue_usd_m",
    "profit_before_tax_usd_m",
)
RATES = "corporate_taxes"
RATES_COLUMNS = ("country", "year", "rate_percent")
# A company's margin at home may be so much above or below that of the whole.
MARGIN_SPREAD = 0.2
ROUTINE_MARGIN = 0.10
REALLOCATED = 0.25


def dst_potential(month: MonthCells, _: Definition) -> list[Estimate]:
    """V8: what the design of each levy would raise: turnover by users and product, at the level of known receipts."""
    context, found = month.context, capture_of(month)
    if found.reason:
        return [undefined(found.reason, month.flows())]
    designs = digital_taxes(context)
    if not designs:
        why = needs(context, "digital_tax", TAXES, TAX_COLUMNS)
        return [undefined(why, month.flows())]
    levies = Levies(context)
    answers = [_estimate(month, tax, found, levies) for tax in designs]
    own = [tax.country == context.economy.country for tax in designs]
    if any(own):
        return answers
    # Nobody's levy is nearer than another's: the one of middle yield stands first.
    middle = sorted(answers, key=lambda each: (each.value or 0.0, each.dimension or ""))[len(answers) // 2]
    return [middle, *(each for each in answers if each is not middle)]


def raised(tax: DigitalTax, each: PlatformRevenue, levies: Levies) -> FloatArray | None:
    """Return draws of what a tax raises on a platform, USD a year, before the level of receipts; None outside its base."""
    part = _part_in_base(tax, each, levies)
    if part is None:
        return None
    return np.asarray(tax.rate * each.plain * part * tax.taxed(each.world or each.revenue, each.common))


def _estimate(month: MonthCells, tax: DigitalTax, found: RevenueCapture, levies: Levies) -> Estimate:
    reached = [
        (each, amount) for each in found.platforms if (amount := raised(tax, each, levies)) is not None
    ]
    level = found.fit.base.get(LEVY, found.fit.effect)
    details = {
        "rate": float(np.median(tax.rate)),
        "in_force": float(tax.in_force),
        "platforms_in_base": float(len(reached)),
        "platforms_liable": float(sum((amount > 0).mean() for _, amount in reached)),
        "platforms_surely_liable": float(sum(amount.min() > 0 for _, amount in reached)),
        "receipts_of_countries": float(len(found.fit.countries)),
        "level": float(np.median(np.exp(level))),
    }
    total = np.asarray(sum((amount for _, amount in reached), np.zeros(DRAWS))) * np.exp(level)
    split = [] if ANY in tax.scope else [each.platform for each, _ in reached]
    offers = [row for platform in split for row in levies.offers(platform)]
    flags = flags_together(each for each, _ in reached) | flags_of([tax.row, *offers])
    return estimate(band(total), month.flows(), tax.name, details, flags)


def _part_in_base(tax: DigitalTax, each: PlatformRevenue, levies: Levies) -> FloatArray | None:
    named = levies.part(each.platform, tax.scope)
    if named is not None:
        return between(f"part of {each.platform} in the base", *named)
    if any(tax.reaches(levies.of(sibling)) for sibling in each.siblings):
        return between(f"part of {each.platform} in the base", *BESIDE_BASE)
    return None


@dataclass(frozen=True)
class Accounts:
    """Revenue and profit of a company's whole, USD, and its profit in the economy, None where not reported.

    `abroad` is the greatest margin that it reported outside its home, all countries together, None where its
    accounts do not tell home from abroad.
    """

    revenue: float
    profit: float
    margins: Interval
    reported: float | None
    abroad: float | None
    year: int
    age: float
    rows: tuple[Row, ...]


def profit_shifting_gap(month: MonthCells, _: Definition) -> list[Estimate]:
    """V9: the tax on the profit that a company's margin implies, less that on the profit it reports there."""
    return _on_profits(month, _gap, with_reported=True)


def amount_a(month: MonthCells, _: Definition) -> list[Estimate]:
    """V10: the tax on the economy's part of a quarter of the profit beyond a tenth of revenue."""
    return _on_profits(month, _amount_a, with_reported=False)


def _gap(each: PlatformRevenue, accounts: Accounts, rate: float) -> FloatArray:
    margin = between(f"margin of {each.platform}", *accounts.margins)
    if accounts.reported is not None:
        return np.asarray(rate * (margin * each.draws - accounts.reported))
    # What it reports in the country is not known: nothing, up to what it reports abroad on average.
    booked = between(f"margin booked of {each.platform}", 0.0, max(0.0, accounts.abroad or 0.0))
    return np.asarray(rate * (margin - booked) * each.draws)


def _amount_a(each: PlatformRevenue, accounts: Accounts, rate: float) -> FloatArray:
    residual = max(0.0, accounts.profit - ROUTINE_MARGIN * accounts.revenue)
    return np.asarray(REALLOCATED * residual * each.draws / accounts.revenue * rate)


Amount = Callable[[PlatformRevenue, Accounts, float], FloatArray]


def _on_profits(month: MonthCells, amount: Amount, *, with_reported: bool) -> list[Estimate]:
    context, found = month.context, capture_of(month)
    if found.reason:
        return [undefined(found.reason, month.flows())]
    country = context.economy.country
    rate = _rate(context)
    accounts = {each.platform: _accounts(each, context) for each in found.platforms}
    usable = {
        name: its
        for name, its in accounts.items()
        if its is not None and (not with_reported or its.reported is not None or its.abroad is not None)
    }
    if rate is None or not usable:
        lacking = []
        if not usable:
            figures = {"world": WORLD, **({"country": country} if with_reported else {})}
            code = "home_profits" if with_reported else "profits"
            lacking.append(needs(context, code, PROFITS, PROFITS_COLUMNS, **figures))
        if rate is None:
            lacking.append(needs(context, "tax_rate", RATES, RATES_COLUMNS, country=country))
        return [undefined(joined(*lacking), month.flows())]
    level, rate_row = rate
    rate_age = age_years(end_of(int(rate_row["year"])), context)
    answers, draws, used = [], [], []
    for each in found.platforms:
        its = usable.get(each.platform)
        if its is None:
            continue
        draws.append(amount(each, its, level))
        used.append(each)
        details = {
            "tax_rate": level,
            "margin": its.profit / its.revenue,
            "accounts_year": float(its.year),
            "age_years": its.age,
        }
        if with_reported and its.reported is not None:
            details["reported_profit"] = its.reported
        elif with_reported and its.abroad is not None:
            details["margin_abroad"] = its.abroad
        flags = each.flags | flags_of([*its.rows, rate_row], its.age, rate_age)
        flows = month.flows(each.cells(month))
        answers.append(estimate(band(draws[-1]), flows, each.platform, details, flags))
    flows = month.flows(np.any([each.cells(month) for each in used], axis=0))
    flags = frozenset[str]().union(*(answer.flags for answer in answers))
    details = {"tax_rate": level, "platforms": float(len(used))}
    whole = estimate(band(np.sum(draws, axis=0)), flows, ALL_PLATFORMS, details, flags)
    return [whole, *answers]


def _rate(context: Context) -> tuple[float, Row] | None:
    """Return the economy's rate of corporate tax as a share, of the last year by the month, and its row."""
    own = [
        row
        for row in rows(context, RATES, RATES_COLUMNS)
        if row["country"] == context.economy.country and row["year"] <= first_day(context).year
    ]
    if not own:
        return None
    row = max(own, key=lambda row: int(row["year"]))
    return float(row["rate_percent"]) / 100, row


def _accounts(each: PlatformRevenue, context: Context) -> Accounts | None:
    """Return the accounts of a platform's company of the last year ended by the month; None without any.

    The margin may have been any between the least and greatest of the years given, and MARGIN_SPREAD of
    it beyond them.
    """
    last = last_day(context)
    own = [
        row
        for row in rows(context, PROFITS, PROFITS_COLUMNS)
        if row["platform_id"] in each.company and row["period_end"] <= last
    ]
    whole = [
        row for row in own if row["region"] == WORLD and row["revenue_usd_m"] and row["revenue_usd_m"] > 0
    ]
    if not whole:
        return None
    newest = max(whole, key=lambda row: (row["period_end"], str(row["reporter"])))
    margins = [float(row["profit_before_tax_usd_m"]) / float(row["revenue_usd_m"]) for row in whole]
    spread = MARGIN_SPREAD * max(abs(margin) for margin in margins)
    home = [row for row in own if row["region"] == context.economy.country]
    reported = max(home, key=lambda row: (row["period_end"], str(row["reporter"]))) if home else None
    used = (newest,) if reported is None else (newest, reported)
    pairs = [
        (row, other)
        for row in whole
        for other in own
        if other["region"] == each.control
        and other["period_end"] == row["period_end"]
        and (other["revenue_usd_m"] or 0) > 0
        and other["revenue_usd_m"] < row["revenue_usd_m"]
    ]
    abroad = [
        float(row["profit_before_tax_usd_m"] - other["profit_before_tax_usd_m"])
        / float(row["revenue_usd_m"] - other["revenue_usd_m"])
        for row, other in pairs
    ]
    return Accounts(
        revenue=float(newest["revenue_usd_m"]) * MILLION,
        profit=float(newest["profit_before_tax_usd_m"]) * MILLION,
        margins=(min(margins) - spread, max(margins) + spread),
        reported=None if reported is None else float(reported["profit_before_tax_usd_m"]) * MILLION,
        abroad=max(abroad) if abroad and each.control != context.economy.country else None,
        year=newest["period_end"].year,
        age=max(age_years(row["period_end"], context) for row in used),
        rows=used,
    )


_PROFIT_DETAILS = {
    **DETAILS,
    "platforms": "number of platforms added up",
    "tax_rate": "statutory rate of corporate tax of the economy",
    "margin": "profit before tax over revenue of the whole company",
    "accounts_year": "year in which the accounts' period ended",
    "age_years": "years from the end of the older accounts to the month",
}
_PROFIT_FACTS = (*FACTS, "facts.platform_profits", "facts.corporate_taxes")

INDICATORS = (
    Indicator(
        Definition(
            id="V8",
            group="value",
            base="taxable_revenue",
            name="Possible revenue of a digital services tax",
            unit="USD/year",
            range=(0.0, None),
            formula="DSTP = ρ · e^ℓ_c · Σ_p R_cp · φ_p · τ_p, for each design: the economy's own, proposed ones "
            "too, and every levy on turnover in force elsewhere whose thresholds are known, as if it were the "
            "economy's. ρ, scope and thresholds of digital_taxes.csv. R_cp as V3 by users and product alone. ℓ_c is "
            "the logarithm of the base of a levy over it, fitted on receipts of levies in other countries; the "
            "economy's own receipts take its place where there are any. φ_p is the part of its sales "
            "that the scope names: by kind of sale in the world, ±40%, where that is published; else 1 where the scope "
            "names what p provides, in [0, 0.25] where only what else is in its filing. τ_p is 0 below a threshold; where only "
            "the excess is taxed, its share. The economy's own levy stands first; where it has none, the design of "
            "middle yield",
            inputs=(*FACTS, "facts.digital_taxes", "facts.known_receipts", "facts.exchange_rates"),
            uncertainty=f"{METHOD} ℓ_c is drawn from what countries with known receipts differ by (Student's t), "
            "with the error of its mean; see docs/hindcast.md for how often such an interval held what was received. "
            "Thresholds at any daily rate of exchange of the year; a rate that is less for a part of the base lies "
            "between both. Designs are alternatives, not parts of a sum.",
            source="Statutes of the taxes (Austria, Colombia, France, Italy, Paraguay, Spain, United Kingdom, Uruguay "
            "and others); receipts published by tax authorities",
            source_status="verified_statutes_memory_exchange_rates",
            critique="It is a tax on turnover, whoever makes a loss, and is passed on to users and advertisers "
            "at home (Enache 2025); it invites retaliation. That revenue would not shrink is assumed. Most known "
            "receipts are of rich countries in Europe: how much a levy reaches in Latin America nobody has "
            "published yet. Firms without a filing are in the level of receipts, not in the thresholds.",
            short="What a tax on the turnover of digital services could yield, by the country's own law and "
            "by those of others as if they were its own. Such a tax is in part passed on to users and "
            "advertisers at home, and how much it reaches in Latin America nobody has published yet. "
            "The designs are alternatives and do not add up. Needs internet users and product of the "
            "country.",
            clause="A tax as in the law of {from} ({instrument}, {rate}) {base} could bring an estimated {value} {aside}",
            clauses={
                "own": "The country's own tax ({instrument}, {rate}) {base} brings an estimated {value} {aside}",
                "proposed": "The tax proposed in the country ({instrument}, {rate}) {base} could bring an estimated {value} {aside}",
            },
            cautions=("tax", "published"),
            method_version="2",
            minimum_flows=0,
            dimension="design",
            level=LEVEL,
            details={
                **DETAILS,
                "rate": "rate of the tax, as a share",
                "in_force": "1 if the tax is in force in its own country in the month, else 0",
                "platforms_in_base": "number of platforms that the base reaches",
                "platforms_liable": "number of them beyond the thresholds, mean of the draws",
                "platforms_surely_liable": "number of them beyond the thresholds in every draw",
                "receipts_of_countries": "number of other countries whose receipts it is fitted on",
                "level": "base of a levy over what users and product give, P50",
            },
        ),
        dst_potential,
    ),
    Indicator(
        Definition(
            id="V9",
            group="value",
            base="published_profits",
            name="Tax gap from profit shifting",
            unit="USD/year",
            range=(None, None),
            formula="PSG = t_c · (m_p · VC_cp − π_cp), t_c the statutory rate, m_p profit before tax over revenue "
            "of the whole company, π_cp the profit it reports in c, VC as V3. Where π_cp is not published it is "
            "anywhere from nothing to a_p · VC_cp, a_p the margin p reports outside its home. Firms that publish "
            "neither are left out",
            inputs=_PROFIT_FACTS,
            uncertainty=f"That of V3. {METHOD} m_p anywhere between the margins of the years given, and 20 % of "
            "the greatest beyond them.",
            source="Annual reports (10-K): profit before tax at home and abroad; the idea: Tørsløv, Wier & Zucman, "
            "Review of Economic Studies 2022",
            source_status="verified",
            critique="That profit belongs where users are is a norm, not a fact; margins differ between "
            "countries for honest reasons, and Amazon's is of goods too. Firms book profits very differently, "
            "Alphabet nine tenths of it at home, Apple six tenths abroad, mostly in Ireland: no one share shifted "
            "stands for all, and a profit booked abroad need not be booked in this country.",
            short="What tax on profits would be due if the profit of platforms lay where their users are, "
            "less what is due now. That it belongs there is a norm, not a fact, and the interval is "
            "wide because few companies publish profits by country. Needs the country's corporate tax "
            "rate.",
            clause="The tax {base} would be an estimated {value} {aside} higher if their worldwide margin held in the country",
            clauses={
                "negative": "The tax {base} would be an estimated {value} {aside} lower if their worldwide margin held in the country",
            },
            cautions=("profit", "published"),
            sums_up=("all_platforms",),
            method_version="2",
            minimum_flows=0,
            dimension="platform",
            level=LEVEL,
            details={
                **_PROFIT_DETAILS,
                "reported_profit": "profit before tax reported in the economy, USD",
                "margin_abroad": "profit before tax over revenue outside the company's home",
            },
        ),
        profit_shifting_gap,
    ),
    Indicator(
        Definition(
            id="V10",
            group="value",
            base="published_profits",
            name="Revenue under Amount A, for comparison",
            unit="USD/year",
            range=(0.0, None),
            formula="AA = 0.25 · max(0, π_p − 0.10 · Rev_p) · VC_cp / Rev_p · t_c, π_p and Rev_p of the whole "
            "company, VC as V3",
            inputs=_PROFIT_FACTS,
            uncertainty=f"That of V3. {METHOD} Profit and revenue of the whole are taken as published.",
            source="OECD, Multilateral Convention to Implement Amount A of Pillar One, 2023",
            source_status="from_memory",
            critique="The treaty is not in force. Its scope (groups above EUR 20 billion, thresholds of revenue "
            "in the country) and its reduction for profit already taxed there are not applied.",
            short="What a part of the OECD's treaty on taxing rights (Amount A) would bring. The treaty is "
            "not in force, and not all of its thresholds are applied. Needs the country's corporate "
            "tax rate.",
            clause="The OECD's Amount A would bring an estimated {value} {aside} of tax {base}",
            cautions=("tax", "published"),
            sums_up=("all_platforms",),
            method_version="2",
            minimum_flows=0,
            dimension="platform",
            level=LEVEL,
            details=_PROFIT_DETAILS,
        ),
        amount_a,
    ),
)
