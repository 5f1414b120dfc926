"""Cures: what would make an indicator answer, and where anybody can get it, by the code of the reason that it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Cure:
    """A cure: what lacks, in the words of a to-do list; who has it; and the address to begin at."""

    what: str
    source: str
    url: str


_FILINGS = ("annual reports of the companies (10-K, 20-F)", "https://www.sec.gov/edgar/search/")
_TRADE = ("OECD-WTO BaTIS, `caudal reference import batis`", "https://data-explorer.oecd.org/")
_TARIFFS = ("WITS/TRAINS, `caudal reference import sdmx --to tariff_rates`", "https://wits.worldbank.org/")
_WORLD_BANK = ("World Bank Open Data, `caudal reference import world-bank`", "https://data.worldbank.org/")
_ROUTES = ("RouteViews or RIPE RIS, setting `routes`", "https://archive.routeviews.org/")
_ATLAS = ("RIPE Atlas (traceroutes from probes in the country), setting `paths`", "https://atlas.ripe.net/")

CURES: Mapping[str, Cure] = MappingProxyType(
    {
        "paths": Cure("traceroutes to the far ends, their hops placed", *_ATLAS),
        "as_paths": Cure(
            "AS paths to the far ends: those of an operator's own export (IPFIX element 128, adjacent AS), or "
            "public ones",
            *_ATLAS,
        ),
        "routes": Cure("a RIB dump of a route collector", *_ROUTES),
        "viewpoints": Cure("a RIB dump of a collector with more viewpoints", *_ROUTES),
        "no_transit": Cure("a RIB dump of a collector farther away", *_ROUTES),
        "access_networks": Cure(
            "rows for the country's access networks: who announces its addresses, and who owns them",
            "the registry's delegations and APNIC's users by network",
            "https://stats.labs.apnic.net/aspop",
        ),
        "region_flows": Cure(
            "collectors in other economies of the region",
            "the operators there; Caudal itself is public",
            "https://www.lacnic.net/",
        ),
        "no_region": Cure(
            "a country group that is the economy's region",
            "the group's own list of members",
            "https://unstats.un.org/unsd/methodology/m49/",
        ),
        "positions": Cure(
            "the judgement of two raters or more on platforms of the region",
            "the platforms' own pages and reports, read by people",
            "https://www.sec.gov/edgar/search/",
        ),
        "regional_positions": Cure(
            "the judgement of two raters or more on platforms of the region whose revenue is known",
            "the platforms' own pages and reports, read by people",
            "https://www.sec.gov/edgar/search/",
        ),
        "providers": Cure(
            "a list of domains that the country uses, each looked up",
            "Tranco or CrUX (popular domains by country)",
            "https://tranco-list.eu/",
        ),
        "counted": Cure(
            "a longer list of domains that the country uses",
            "Tranco or CrUX (popular domains by country)",
            "https://tranco-list.eu/",
        ),
        "users": Cure("the number of people who use the internet", *_WORLD_BANK),
        "internet_users": Cure("the number of people who use the internet", *_WORLD_BANK),
        "economy": Cure("users and product of the economy", *_WORLD_BANK),
        "unusable_product": Cure("a product per head at market rates", *_WORLD_BANK),
        "revenue": Cure("a platform's revenue in a region that holds the country", *_FILINGS),
        "foreign_platform": Cure("the revenue by region of a platform controlled from abroad", *_FILINGS),
        "profits": Cure("revenue and profit of platforms' whole companies", *_FILINGS),
        "home_profits": Cure(
            "the profit that a platform reports in the country, beside that of its whole company",
            "the country's register of companies, or country-by-country reports (aggregates: OECD)",
            "https://data-explorer.oecd.org/",
        ),
        "tax_rate": Cure(
            "the country's corporate tax rate",
            "OECD Corporate Tax Statistics",
            "https://data-explorer.oecd.org/",
        ),
        "digital_tax": Cure(
            "a levy on digital services with thresholds that can be computed with",
            "the law, as the country's official journal has it",
            "https://www.oecd.org/tax/",
        ),
        "value_added": Cure(
            "value added of section J of ISIC, in levels",
            "the statistical office's national accounts, or UN data",
            "https://data.un.org/",
        ),
        "services": Cure("trade in services by item", *_TRADE),
        "exports": Cure("exports of services by item", *_TRADE),
        "imports": Cure("imports of services by item", *_TRADE),
        "both_flows": Cure("both flows of one year of trade in services", *_TRADE),
        "no_trade": Cure("trade in services of another year", *_TRADE),
        "duties": Cure("rates of duty on the digitisable products", *_TARIFFS),
        "applied_duties": Cure("applied rates of duty on what is imported", *_TARIFFS),
        "bound_duties": Cure(
            "bound rates of duty on what is imported",
            "WTO Consolidated Tariff Schedules",
            "https://tao.wto.org/",
        ),
        "product_imports": Cure(
            "imports of the digitisable products since before 2010",
            "UN Comtrade, imports from the world by HS6",
            "https://comtradeplus.un.org/",
        ),
        "adequacy": Cure(
            "the countries that decisions of adequacy name",
            "the data protection authorities",
            "https://globalprivacyassembly.org/",
        ),
        "adequacy_whole": Cure(
            "the whole list of a regime, country by country",
            "the data protection authority of that regime",
            "https://globalprivacyassembly.org/",
        ),
        "access_laws": Cure(
            "the laws by which countries reach data abroad, and at home",
            "the countries' official journals, by way of the Library of Congress",
            "https://www.loc.gov/law/",
        ),
    }
)


def cures_of(codes: tuple[str, ...]) -> tuple[Cure, ...]:
    """Return the cures of reasons, each once, in order; a reason that only traffic cures has none."""
    return tuple(dict.fromkeys(CURES[code] for code in codes if code in CURES))
