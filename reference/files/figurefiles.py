"""Files of published figures: value added, trade, tariffs, subscriptions.

A figure holds for its period. Files that ship without rows, or with few, are formats for what a deployment
or an import supplies: `cure` says from where.
"""

from caudal.reference.files.columns import figures, file, key, maybe, text

VALUE_ADDED = figures(
    "value_added",
    "value added of ISIC section J (information and communication) and its divisions",
    ("country", "year", "isic_section"),
    key("country", "country", "economy"),
    key("year", "year", "year"),
    text("isic_section", "section J or divisions of it"),
    maybe("value_lcu_m", "number", "million of the national currency"),
    maybe("currency", "currency", "ISO 4217 code"),
    maybe("share_of_gva_percent", "percent", "per cent of gross value added"),
    maybe("share_of_gdp_percent", "percent", "per cent of gross domestic product"),
    maybe("value_usd_m", "number", "million USD"),
    cure="national accounts by activity (section J of ISIC Rev. 4) of the statistical office, or "
    "`caudal reference import sdmx --to value_added`; as shipped there are levels for Brazil, and shares "
    "for some others",
)

# EBOPS 2010; DDS is UNCTAD's grouping of what can be delivered over networks.
SERVICE_ITEMS = (
    *("DDS", "S", "SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SI1", "SI2", "SI3"),
    *("SJ", "SJ1", "SJ2", "SJ3", "SK", "SK1", "SK2", "SL"),
)

SERVICES_TRADE = figures(
    "services_trade",
    "trade in services with the world, million USD",
    ("country", "year", "flow", "item"),
    key("country", "country", "economy"),
    key("year", "year", "year"),
    text("flow", "direction", "export", "import"),
    text(
        "item",
        "DDS digitally deliverable services; S all services; SA-SL items of EBOPS 2010: SI "
        "telecommunications, computer, information; SH charges for IP",
        *SERVICE_ITEMS,
    ),
    key("value_usd_m", "number", "million USD"),
    maybe("imputed", "flag", "1 if the source seems to have filled a gap: the series stays flat for years"),
    cure="`caudal reference import batis` or `import sdmx --to services_trade` (OECD-WTO BaTIS)",
)

TARIFF_LINES = file(
    "tariff_lines",
    "tariff lines of digitisable products, reviewed one by one; not the UN's list of 49",
    ("hs6", "hs_revision"),
    key("hs6", "hs6", "subheading of the Harmonized System"),
    text("hs_revision", "revision of the Harmonized System", "HS2007", "HS2012", "HS2017", "HS2022"),
    text("description", "what the subheading holds"),
    text("product_group", "kind of product"),
    key("keep", "flag", "1 if what it holds can be delivered as a transmission, 0 if not"),
    key("apart", "flag", "1 if it is reported apart, because it would dominate the sum of the others"),
    text("why", "why it is kept or left out, in words", required=False),
    text(
        "information_technology_agreement",
        "whether its members bound its duty at zero: for the whole subheading, a part of it, or not",
        "whole",
        "part",
        "none",
        required=False,
    ),
    text("in_un_list_of_49", "whether the UN's list holds it", "yes", "no", "candidate"),
)

TARIFF_RATES = figures(
    "tariff_rates",
    "customs duties on subheadings of the Harmonized System",
    ("country", "year", "hs6", "hs_revision", "rate"),
    key("country", "country", "economy that levies it; a customs union is given member by member"),
    key("year", "year", "year"),
    key("hs6", "hs6", "subheading of the Harmonized System"),
    text("hs_revision", "revision of the Harmonized System the rate was reported in"),
    text("rate", "which rate: applied to most favoured nations, or bound in the WTO", "mfn_applied", "bound"),
    key("percent", "amount", "simple average over the tariff lines of the subheading, ad valorem, per cent"),
    maybe("lines", "count", "tariff lines averaged"),
    maybe("lines_not_ad_valorem", "count", "of them, lines whose duty is not ad valorem and is left out"),
    cure="`caudal reference import sdmx --to tariff_rates` (WITS/TRAINS; applied rates), the WTO's "
    "Consolidated Tariff Schedules (bound rates)",
)

PRODUCT_IMPORTS = figures(
    "product_imports",
    "imports of goods by subheading of the Harmonized System, from the world",
    ("country", "year", "hs6", "hs_revision"),
    key("country", "country", "economy that imports"),
    key("year", "year", "year"),
    key("hs6", "hs6", "subheading of the Harmonized System"),
    text("hs_revision", "revision of the Harmonized System the imports were reported in"),
    key("value_usd_m", "amount", "value at the border, million USD"),
    maybe(
        "preferential_percent",
        "percent",
        "per cent of the value that came free of duty under a trade agreement; empty: not known",
    ),
    cure="customs, or UN Comtrade (imports from the world by HS6)",
)

SUBSCRIBERS = figures(
    "subscribers",
    "subscriptions to fixed and mobile networks",
    ("country", "year", "technology"),
    key("country", "country", "economy"),
    key("year", "year", "year"),
    text("technology", "network", "fixed_broadband", "mobile_cellular", "mobile_broadband"),
    maybe("subscriptions", "count", "subscriptions"),
    maybe("per_100_inhabitants", "amount", "subscriptions per 100 inhabitants"),
    cure="`caudal reference import itu` or `import world-bank`; as shipped, mobile broadband is known of "
    "three countries only",
)
