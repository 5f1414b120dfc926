"""An economy: the country that indicators are computed for."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Economy:
    """A row of economies.csv: people, internet users, and the product of an economy.

    `internet_users` and `population` are people; money is USD, `gdp_per_head_ppp` constant 2021
    international USD. `region_group` names the country group that counts as the region of the economy,
    '' where there is none. Figures that no source gave are None.
    """

    country: str
    iso3: str
    name_en: str
    name_es: str
    name_pt: str
    region: str
    subregion: str
    region_group: str
    celac: bool
    currency: str
    population: int
    population_year: int
    internet_users_percent: float
    internet_users: int
    internet_year: int
    gdp_usd: float | None
    gdp_year: int | None
    gdp_per_head_usd: float | None
    gdp_per_head_ppp: float | None
    ppp_year: int | None
    gdp_usd_2023: float | None
    source: str
    as_of: date
    status: str
    note: str
