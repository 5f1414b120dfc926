"""Value captured: what platforms earn on a country's users, per gigabyte, and beside what is made at home."""

from collections.abc import Sequence

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
from caudal.service.indicators.facts.platformrevenue import (
    PlatformRevenue,
    RevenueCapture,
    capture_of,
    flags_together,
)
from caudal.service.indicators.model.cells import MonthCells
from caudal.service.indicators.model.definition import Definition
from caudal.service.indicators.model.indicator import Indicator
from caudal.service.indicators.model.observation import UNDECLARED_OPERATORS, Estimate, undefined
from caudal.service.indicators.model.uncertainty import FloatArray
from caudal.service.indicators.statistics.montecarlo import (
    DETAILS,
    DRAWS,
    LEVEL,
    METHOD,
    Band,
    band,
    between,
    estimate,
    normal,
)
from caudal.service.vocabulary.reason import reason

ALL_PLATFORMS = "all_platforms"
GIGABYTE = 1e9
MONTHS = 12
PARTIAL_MONTH = "partial_month"
VALUE_ADDED = "value_added"
SECTION = "J"
NARROW_SECTION = "J62-J63"
VALUE_ADDED_COLUMNS = ("country", "year", "isic_section", "value_usd_m", "share_of_gva_percent")
# Gross output over gross value added of section J: between 1.6 and 2.4 in the input-output tables of Brazil, the
# United States and the European Union, from memory.
OUTPUT_OF_VALUE_ADDED = (1.6, 2.4)
# Gross value added at basic prices as a part of the product: the rest is taxes less subsidies on products.
# Of Brazil it was 0.85 to 0.87 in 2010-2021; that others lie between this and no taxes is a judgement.
VALUE_ADDED_OF_PRODUCT = (0.84, 1.0)
FACTS = (
    "facts.regional_revenue",
    "facts.filing_regions",
    "facts.economies",
    "facts.countries",
    "facts.country_groups",
    "facts.platforms",
    "facts.known_receipts",
    "facts.exchange_rates",
    "facts.categories",
)


def value_captured(month: MonthCells, _: Definition) -> list[Estimate]:
    """V3: what each platform with a published regional revenue earns a year on the economy's users."""
    found = capture_of(month)
    if found.reason:
        return [undefined(found.reason, month.flows())]
    answers = [_of_platform(month, found, each) for each in found.platforms]
    whole = band(_together(found.platforms))
    effect = band(np.exp(found.fit.effect))
    details = {
        "platforms": float(len(found.platforms)),
        "receipts_of_countries": float(len(found.fit.countries)),
        "own_receipts": float(len(found.fit.own)),
        "country_effect": effect.value,
        "country_effect_low": effect.low,
        "country_effect_high": effect.high,
    }
    flows = month.flows(np.any([each.cells(month) for each in found.platforms], axis=0))
    return [
        estimate(
            whole,
            flows,
            ALL_PLATFORMS,
            details=details,
            flags=flags_together(found.platforms),
        ),
        *answers,
    ]


def _together(platforms: Sequence[PlatformRevenue]) -> FloatArray:
    """Return draws of the sum: what firms differ by for themselves evens out, what the country does not."""
    return np.asarray(np.sum([each.common for each in platforms], axis=0))


def _of_platform(month: MonthCells, found: RevenueCapture, each: PlatformRevenue) -> Estimate:
    share = band(each.share)
    details = {
        "region_revenue": each.revenue,
        "services": each.part,
        "year": float(each.period_end.year),
        "age_years": each.age,
        "share_of_region": share.value,
        "share_low": share.low,
        "share_high": share.high,
        "countries": float(each.countries),
        "countries_missing": float(each.missing),
    }
    head = found.weights.head(month.context.economy.country)
    if head is not None and head.product is not None:
        theta = band(found.fit.theta)
        details |= {"users": head.users, "product_per_head": head.product}
        details |= {"theta_low": theta.low, "theta_high": theta.high}
    return estimate(
        band(each.draws), month.flows(each.cells(month)), each.platform, details=details, flags=each.flags
    )


def value_per_gigabyte(month: MonthCells, _: Definition) -> list[Estimate]:
    """V4: value captured in a month over the gigabytes of the platform, scaled up to all users."""
    context, found = month.context, capture_of(month)
    if found.reason:
        return [undefined(found.reason, month.flows())]
    if PARTIAL_MONTH in context.flags:
        return [undefined(reason("whole_month"), month.flows())]
    head = found.weights.head(context.economy.country)
    if head is None or not context.covered_users or context.covered_users <= 0:
        return [undefined(reason("subscribers"), month.flows())]
    reported = np.minimum(context.covered_users / head.users_draws, 1.0)
    companies: dict[tuple[str, ...], list[PlatformRevenue]] = {}
    for each in found.platforms:
        companies.setdefault(each.company, []).append(each)
    answers = [
        _per_gigabyte(
            month, entries[0].platform, entries, np.sum([each.draws for each in entries], axis=0), reported
        )
        for entries in companies.values()
    ]
    whole = _per_gigabyte(month, ALL_PLATFORMS, found.platforms, _together(found.platforms), reported)
    return [whole, *answers]


def _per_gigabyte(
    month: MonthCells, name: str, entries: Sequence[PlatformRevenue], earned: FloatArray, reported: FloatArray
) -> Estimate:
    metered = np.asarray(np.any([each.cells(month) for each in entries], axis=0))
    # Bytes of the users that are counted, and of no others.
    which = metered & month.covered
    flows = month.flows(which)
    amount = month.total(which)
    if amount <= 0:
        why = "no_platform_bytes" if month.covered.all() else "no_declared_platform_bytes"
        return undefined(reason(why), month.flows(metered), name)
    relative = np.sqrt(month.total_variance(which)) / amount
    # e^(z·s − s²/2) has the mean 1: noise of a positive number.
    noise = np.exp(relative * normal(f"sampling of {name}") - relative**2 / 2)
    monthly = earned / MONTHS
    volume = amount / GIGABYTE * noise / reported
    value = band(monthly / volume)
    nobody = month.unlisted & month.covered
    unattributed = month.total(nobody)
    bound = band(monthly / (volume * (1 + unattributed / amount)))
    details = {
        "metered_low": value.low,
        "bound_low": bound.low,
        "gigabytes": amount / GIGABYTE,
        "reported": band(reported).value,
        "year": float(max(each.period_end for each in entries).year),
        "platforms": float(len(set[str]().union(*(each.company for each in entries)))),
    }
    outward = month.total(which & month.outward)
    if outward > 0:
        out = band(monthly / (volume * outward / amount))
        details |= {"per_gigabyte_out": out.value, "per_gigabyte_out_low": out.low}
        details["per_gigabyte_out_high"] = out.high
    flags = flags_together(entries)
    if not month.covered.all():
        flags |= {UNDECLARED_OPERATORS}
        details["left_out"] = month.total(metered & ~month.covered) / month.total(metered)
    return estimate(Band(bound.low, value.value, value.high), flows, name, details=details, flags=flags)


def extraction_ratio(month: MonthCells, _: Definition) -> list[Estimate]:
    """V5: turnover of platforms of elsewhere over itself and the gross output of the country's section J."""
    found, country = capture_of(month), month.context.economy.country
    if found.reason:
        return [undefined(found.reason, month.flows())]
    foreign = [each for each in found.platforms if each.control and each.control != country]
    if not foreign:
        return [undefined(reason("foreign_platform", country=country), month.flows())]
    own = _value_added(month, SECTION)
    if own is None:
        figures = {"section": SECTION, "country": country}
        why = needs(month.context, "value_added", VALUE_ADDED, VALUE_ADDED_COLUMNS, **figures)
        return [undefined(why, month.flows())]
    home, row, age, weak = own
    abroad = _together(foreign)
    times = between("output of value added", *OUTPUT_OF_VALUE_ADDED)
    output = home * times
    details = {
        "value_captured": band(abroad).value,
        "output": band(output).value,
        "value_added": band(home).value,
        "value_added_year": float(row["year"]),
        "age_years": age,
        "platforms": float(len(foreign)),
    }
    narrow = _value_added(month, NARROW_SECTION)
    if narrow is not None:
        details["against_software"] = band(abroad / (abroad + narrow[0] * times)).value
    flags = flags_together(foreign) | flags_of([row], age) | weak
    flows = month.flows(np.any([each.cells(month) for each in foreign], axis=0))
    return [estimate(band(abroad / (abroad + output)), flows, None, details=details, flags=flags)]


def _value_added(month: MonthCells, section: str) -> tuple[FloatArray, Row, float, frozenset[str]] | None:
    """Return draws of the value added of a section, USD, its row, its age, and a flag where it is inferred."""
    context, country = month.context, month.context.economy.country
    series = {
        int(row["year"]): row
        for row in rows(context, VALUE_ADDED, VALUE_ADDED_COLUMNS)
        if row["country"] == country
        and row["isic_section"] == section
        and row["year"] <= first_day(context).year
        and any(row.get(told) for told in ("value_usd_m", "share_of_gdp_percent", "share_of_gva_percent"))
    }
    if not series:
        return None
    row = series[max(series)]
    flags: frozenset[str] = frozenset()
    usd = {year: float(each["value_usd_m"]) for year, each in series.items() if each["value_usd_m"]}
    if row["value_usd_m"]:
        level = np.full(DRAWS, float(row["value_usd_m"])) * MILLION
    else:
        product = next(
            (
                float(each["gdp_usd"])
                for each in rows(context, "economies", ("country", "gdp_usd"))
                if each["country"] == country and each["gdp_usd"]
            ),
            None,
        )
        if product is None:
            return None
        if row.get("share_of_gdp_percent"):
            level = np.full(DRAWS, product * float(row["share_of_gdp_percent"]) / 100)
        else:
            part = between("value added of product", *VALUE_ADDED_OF_PRODUCT)
            level = part * product * float(row["share_of_gva_percent"]) / 100
        flags = frozenset({WEAK_FACTS})
    age = age_years(end_of(int(row["year"])), context)
    # One name for a section and its divisions: they rise and fall together.
    return level * drift("value added", age, yearly_change(usd)), row, age, flags


_CAPTURE_ERRORS = (
    f"{METHOD} θ, and by how much countries differ from users · product^θ, are fitted on receipts of levies and of "
    "VAT on digital services in other countries, and drawn (θ by likelihood, differences by Student's t); a country's "
    "own receipts shift it by a part of how far they lie off the others', any part, for receipts and turnover need "
    "not go together. One firm differs from its country as firms that file by country do. Users of each country ± 10 "
    "% (3 points more for each year beyond the second that their count is old); the filing's rounding; the part that "
    "is services ± 40 % where a world total tells it, ± 10 % where the region's own; the revenue's change since the "
    "filing within e^(±0.36·√years), one for all platforms, as nine tenths of the yearly changes in the filings are; "
    "products per head that are disputed, between the figures. Countries of the region without figures "
    "weigh, together, from nothing to as much as if each were its median economy. Walled countries are reached in "
    "half of the draws."
)

INDICATORS = (
    Indicator(
        Definition(
            id="V3",
            group="value",
            base="published_revenue",
            name="Estimated revenue attributable to users in the country",
            unit="USD/year",
            range=(0.0, None),
            formula="VC_cp = Rev_rp · s_p · w_c · e^ε_c / (w_c · e^ε_c + Σ_{other c' in r} w_c'), w = users · (product "
            "per head)^θ, r the narrowest region of p's filing in which it sells and that holds c, of the last year "
            "begun by the month's end; where p files for c itself, that. s_p is the part of the revenue that is "
            "services: own goods are out where a filing tells them. θ and ε_c are fitted on known receipts; e^ε_cp of "
            "one firm differs from the country's, which the sum takes. World totals are not spread; a rest-of-world is "
            "what the other regions of the filing leave",
            inputs=FACTS,
            uncertainty=_CAPTURE_ERRORS,
            source="Annual reports (10-K) of the platforms, revenue by region and by kind of sale; receipts published "
            "by tax authorities",
            source_status="verified",
            critique="It is revenue of those firms that publish it by region, not the value of data, and much of it is "
            "paid by local advertisers, sellers and subscribers, and paid on to creators and publishers. Some filings "
            "go by the customer's billing address, not by the user. Users of the internet stand in for users of the "
            "platform. Mercado Libre's holds interest on credit; Amazon's sales from stores abroad are in none of the "
            "countries without a store. Spotify, Uber, Booking, Airbnb and others that publish no region are left out.",
            short="What companies that publish their revenue by region earn on users in the country, "
            "estimated from their annual reports. It is not the value of the data. Local advertisers "
            "and subscribers pay much of it, and part goes on to creators and publishers. Companies "
            "that publish no regions are left out. Needs internet users and product of the country.",
            clause="The revenue {base}, attributable to users in the country, is estimated at {value} {aside}",
            cautions=("revenue", "published"),
            sums_up=("all_platforms",),
            method_version="2",
            minimum_flows=0,
            dimension="platform",
            level=LEVEL,
            details={
                **DETAILS,
                "platforms": "number of platforms added up",
                "receipts_of_countries": "number of other countries whose receipts it is fitted on",
                "own_receipts": "number of kinds of receipts of the economy itself that it rests on",
                "country_effect": "e^ε_c, what the economy earns over what users and product give, P50",
                "country_effect_low": "the same, P5",
                "country_effect_high": "the same, P95",
                "region_revenue": "revenue of the filing's region, USD",
                "services": "part of it that is services of the platform",
                "year": "year in which the filing's period ended",
                "age_years": "years from the end of the filing's period to the month",
                "share_of_region": "the economy's part of the region's revenue, P50",
                "share_low": "the same, P5",
                "share_high": "the same, P95",
                "countries": "countries of the region",
                "countries_missing": "of them, those without users and product in economies.csv",
                "users": "internet users of the economy",
                "product_per_head": "product per head of the economy, USD",
                "theta_low": "θ, P5",
                "theta_high": "θ, P95",
            },
        ),
        value_captured,
    ),
    Indicator(
        Definition(
            id="V4",
            group="value",
            base="gigabytes_of_companies",
            name="Estimated revenue per gigabyte",
            unit="USD/GB",
            range=(0.0, None),
            formula="VPG = (VC / 12) / (B_p · users / users reported), VC as V3, B_p the bytes of p and of the "
            "other platforms of its parent, out and in; users reported as declared by the operators, and B_p of "
            "those that declared. "
            "VPGo, with outward bytes only, is a detail. All companies together stand first, the sum of value over "
            "the sum of bytes",
            inputs=(
                "direction",
                "bytes",
                "bytes_variance",
                "platform",
                "network_kind",
                "operator",
                "covered_users",
                "covered_operators",
                *FACTS,
            ),
            uncertainty=f"That of V3, with the sampling of the bytes on the log scale. {METHOD} Relative "
            "variances add; the same draw of the users is in both. Extended downwards by the bytes of "
            "unknown operators, as if they were all the platform's (bound_low).",
            source="own",
            source_status="own",
            critique="It means nothing across categories: a minute of video weighs a thousand messages. Bytes "
            "that a cache inside the country or a content delivery network carried for the platform count as "
            "its own only where names told so. A company with several platforms is one row, under the first of them.",
            short="That revenue over the traffic with the same companies. It compares nothing across kinds "
            "of service: a minute of video weighs a thousand messages. Needs 100 flow records, and "
            "subscribers as operators declare them.",
            clause="Revenue per gigabyte {base} is estimated at {value} {aside}",
            cautions=("revenue", "volume"),
            sums_up=("all_platforms",),
            method_version="2",
            dimension="platform",
            level=LEVEL,
            details={
                **DETAILS,
                "metered_low": "P5 by the platform's known bytes alone",
                "bound_low": "P5 if every byte of an unknown operator were the platform's",
                "gigabytes": "gigabytes of the company metered in the month by operators that declared subscribers",
                "left_out": "share of the company's bytes left out, of operators that declared no subscribers",
                "reported": "share of the users that the operators declared, P50",
                "year": "year in which the filing's period ended",
                "platforms": "number of platforms of the company",
                "per_gigabyte_out": "value per gigabyte that users send, P50",
                "per_gigabyte_out_low": "the same, P5",
                "per_gigabyte_out_high": "the same, P95",
            },
        ),
        value_per_gigabyte,
    ),
    Indicator(
        Definition(
            id="V5",
            group="value",
            base="digital_turnover",
            name="Weight of foreign platforms beside the country's digital output",
            unit="share",
            range=(0.0, 1.0),
            formula="FPO = VC_f / (VC_f + k · VA_d): turnover with turnover. VC_f is the revenue (V3) of platforms "
            "controlled from abroad, k · VA_d the gross output of ISIC section J at home, VA_d its value added and k "
            "output over value added",
            inputs=(*FACTS, "facts.value_added"),
            uncertainty=f"That of V3, propagated. {METHOD} k anywhere in [1.6, 2.4], as in input-output tables "
            "(from memory). Value added has changed since its year within "
            "e^(±k·√years), k the largest yearly change of its own series in USD, 0.25 of a short one. "
            "Where only a share of all value added is known, that is 84-100 % of the product.",
            source="own; value networks: Pérez 2010",
            source_status="verified_weak",
            critique="Method 1 set revenue beside value added, which are not one thing: the ratio was too "
            "high by a half and more. Turnover counts twice what one firm buys from another. Subsidiaries at home are "
            "in both. Section J has telecommunications and publishing in it, and platforms that publish no regional "
            "revenue are left out of VC_f.",
            short="The estimated revenue of foreign platforms as a share of that and of the output of the "
            "country's own information and communication sector together. It is no market share: "
            "turnover counts twice what one company buys from another. Needs the sector's value added, "
            "from the national accounts.",
            clause="An estimated {value} {base} {aside} belongs to those platforms",
            measure="what foreign platforms turn over, of that and the country's information and communication sector together",
            cautions=("turnover", "published"),
            method_version="2",
            minimum_flows=0,
            level=LEVEL,
            details={
                **DETAILS,
                "value_captured": "VC_f, USD a year, P50",
                "output": "k · VA_d, USD a year, P50",
                "value_added": "VA_d, USD a year, P50",
                "value_added_year": "year of the value added",
                "age_years": "years from the end of that year to the month",
                "platforms": "number of foreign platforms",
                "against_software": "the ratio against divisions 62-63 alone (software, information services)",
            },
        ),
        extraction_ratio,
    ),
)
