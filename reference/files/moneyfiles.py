"""Files of money: what platforms earn and pay, what states levied and received, and rates of exchange.

A figure holds for its period. What a `note` says is for people; what indicators need stands in columns.
"""

from caudal.reference.files.columns import RECHECK, decisions, figures, file, key, maybe, text
from caudal.reference.files.platformfiles import LEVIES

# Kinds of sale that filings tell apart.
OFFERS = (
    "services",
    "own_goods",
    "seller_services",
    "advertising",
    "subscriptions",
    "cloud",
    "financial",
    "other",
)

REGIONAL_REVENUE = figures(
    "regional_revenue",
    "revenues and users by region and by kind of sale, as companies published them",
    ("platform_id", "reporter", "period", "period_end", "region", "metric"),
    key("platform_id", "id", "platform"),
    text("reporter", "company that reported"),
    text("period", "year or quarter as named by the reporter"),
    key("period_end", "date", "last day of the period"),
    text(
        "region", "region as cut by the reporter (filing_regions.csv); a country code where it is a country"
    ),
    text("metric", "what was measured, with its unit"),
    text("offer", "kind of sale, of figures by kind of sale; empty: all", *OFFERS, required=False),
    maybe("sold_in", "id", "country group outside of which the company does not sell it; empty: everywhere"),
    maybe("usable_for_value", "flag", "0 where V3 may not spread it; empty: it may"),
    key("value", "number", "the figure"),
    maybe("rounded_to", "amount", "step to which the figure is rounded, in its unit; empty: 1"),
    maybe(
        "audited", "flag", "0 of press reports; empty or 1: it is, or adds up, figures of accounts or filings"
    ),
    text("basis", "how the reporter assigns it to a region", required=False),
    text("filing", "document of the reporter", required=False),
    period="period_end",
)

FILING_REGIONS = file(
    "filing_regions",
    "regions by which companies report, as sums of subregions and countries",
    ("platform_id", "region", "part"),
    maybe("platform_id", "id", "platform whose reporter cuts the region in its own way; empty: all others"),
    key("region", "id", "region in regional_revenue.csv"),
    text("part", "subregion of countries.csv, country code, country group, or WORLD"),
    text("takes", "whether the part belongs to the region or is taken out again", "in", "out"),
    key("seen", "flag", "1 where the reporter's own words on the region were seen"),
)

PLATFORM_PROFITS = figures(
    "platform_profits",
    "profits of the companies behind platforms: of the whole, and by country where they are reported",
    ("platform_id", "reporter", "period_end", "region"),
    key("platform_id", "id", "platform"),
    text("reporter", "company that reported"),
    key("period_end", "date", "last day of the year reported"),
    text("region", "WORLD for the whole company, or the code of the country the profit was reported in"),
    maybe("revenue_usd_m", "number", "revenue, million USD"),
    key("profit_before_tax_usd_m", "number", "profit before income tax, million USD; a loss is negative"),
    maybe("income_tax_usd_m", "number", "income tax, million USD"),
    text("filing", "document of the reporter: annual report, accounts, country-by-country report"),
    period="period_end",
    cure="annual reports (revenue and profit before tax of the whole) and the accounts or country-by-country "
    "reports of the companies in the country; as shipped, countries other than the United States are missing",
)

CORPORATE_TAXES = figures(
    "corporate_taxes",
    "statutory rates of corporate income tax",
    ("country", "year"),
    key("country", "country", "economy"),
    key("year", "year", "year"),
    key("rate_percent", "percent", "statutory rate, central and local together, per cent"),
    cure="the tax law, or OECD Corporate Tax Statistics",
)

DIGITAL_TAXES = decisions(
    "digital_taxes",
    "taxes on digital services",
    ("country", "instrument", "in_force_from"),
    key("country", "country", "who levies it"),
    text("instrument", "name of the tax"),
    text(
        "kind",
        "levy: on the turnover of who provides the service; vat: on the consumer; contribution: to a fund for "
        "audiovisual works; prepayment: of the payer's own tax; duty: of customs",
        *("levy", "vat", "contribution", "prepayment", "duty"),
    ),
    key("counted", "flag", "1 where V8 may use it as a design"),
    key("rate_percent", "percent", "rate in per cent of turnover"),
    maybe("least_rate_percent", "percent", "least rate, where part of the base bears less"),
    maybe("in_force_from", "date", "first day"),
    maybe("in_force_to", "date", "last day"),
    text("base", "what is taxed, in words", required=False),
    text("scope", f"services taxed, ids with spaces between them: {', '.join(LEVIES)}", required=False),
    text("threshold", "who is taxed, in words", required=False),
    maybe("threshold_global_amount", "amount", "least yearly turnover worldwide"),
    maybe("threshold_global_currency", "currency", "its currency, ISO 4217"),
    maybe("threshold_domestic_amount", "amount", "least yearly turnover in the country"),
    maybe("threshold_domestic_currency", "currency", "its currency, ISO 4217"),
    text(
        "threshold_domestic_effect",
        "all: beyond it the whole turnover is taxed; excess: only what is beyond it",
        *("all", "excess"),
        required=False,
    ),
    text("state", "whether it is in force, in words"),
    text(
        "in_force",
        "whether it is levied between its dates; no: proposed, suspended, or no tax yet",
        *("yes", "partly", "no"),
    ),
    RECHECK,
    since="in_force_from",
    until="in_force_to",
)

KNOWN_RECEIPTS = figures(
    "known_receipts",
    "what states received, or firms filed, from digital services: the truth that V3 and V8 are measured by",
    ("country", "period_start", "period_end", "measure", "instrument"),
    key("country", "country", "economy"),
    key("period_start", "date", "first day of the period"),
    key("period_end", "date", "last day of the period"),
    text(
        "measure",
        "levy: on turnover; vat: on services of non-residents to consumers; mixed: taxes that cannot be told "
        "apart; revenue: turnover of platforms on the country's users",
        *("levy", "vat", "mixed", "revenue"),
    ),
    text("instrument", "name of the tax, or what was measured"),
    text("scope", f"services taxed, ids with spaces between them: {', '.join(LEVIES)}", required=False),
    maybe(
        "rate_percent", "percent", "rate that turns receipts into turnover; empty where there is no one rate"
    ),
    key("amount_m", "amount", "receipts or turnover of the period, million of the currency"),
    key("currency", "currency", "ISO 4217 code"),
    text(
        "bound",
        "exact; least: more was received; forecast: stated before the period was over; rounded",
        *("exact", "least", "forecast", "rounded"),
    ),
    key("counted", "flag", "1 where V3 and V8 are calibrated on it"),
    period="period_end",
    cure="the tax authority: receipts by tax and year (levies and VAT on services of non-residents)",
)

EXCHANGE_RATES = figures(
    "exchange_rates",
    "rates of exchange, averages of years",
    ("currency", "year"),
    key("currency", "currency", "ISO 4217 code"),
    key("year", "year", "year"),
    key("units_per_usd", "amount", "units of the currency for one USD, average of the year"),
    maybe("least", "amount", "least daily rate of the year"),
    maybe("greatest", "amount", "greatest daily rate of the year"),
    cure="the central bank",
)
