"""The context of an indicator besides the flow cells: the economy, its region, its users, the month."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Protocol

import polars as pl

from caudal.service.indicators.model.validity import holding

MIDDLE = 15

# In the status of a row of which something was not checked against a source: `from_memory` as a whole,
# `verified_WHAT_memory_WHAT` in part.
UNCHECKED = "memory"


class Economy(Protocol):
    """The facts about an economy that indicators use; `caudal.reference.Economy` has them."""

    @property
    def country(self) -> str:
        """The country code, ISO 3166-1 alpha-2."""

    @property
    def internet_users(self) -> int | None:
        """People using the internet; None where no figure is known."""

    @property
    def status(self) -> str:
        """The status of the economy's row: how it was checked."""


@dataclass(frozen=True)
class Context:
    """An economy in a month, as far as it is not in the flow cells.

    `month` is YYYY-MM. `region_members` are the country codes of `region_group`, the group taken as the
    economy's region. `coverage` is the share of the economy's internet users that the reporting networks
    serve and `covered_users` their number; None where no operator declared it. `covered_operators` are those
    that declared them, None where all did: what is counted per user is counted of their bytes. `accuracy`
    holds measured accuracy of address databases (columns truth, group, sampled_ips, and one per database).
    `flags` are set on every observation.

    `facts` are files of facts by name without .csv (see docs/reference.md); a name that is missing stands
    for a file without rows. `paths` (see `paths.py`) and `routes` (see `routing.py`) are what a deployment
    supplies of the ways its traffic takes and of the world's routing table; None where it supplies none.
    `region_flows` are the flows of the other economies of the region in the month (economy, remote_country,
    bytes, bytes_variance, flows; a far end without a location is ZZ); None where nobody else reports.
    """

    economy: Economy
    month: str
    region_members: frozenset[str]
    region_group: str
    coverage: float | None
    covered_users: float | None
    accuracy: pl.DataFrame
    days_in_month: int
    flags: frozenset[str] = field(default_factory=frozenset)
    facts: Mapping[str, pl.DataFrame] = field(default_factory=lambda: MappingProxyType({}))
    paths: pl.DataFrame | None = None
    routes: pl.DataFrame | None = None
    region_flows: pl.DataFrame | None = None
    covered_operators: frozenset[str] | None = None

    @property
    def region(self) -> frozenset[str]:
        """The countries of the region; a country is always in its own. Empty where no region is known."""
        return self.region_members | {self.economy.country} if self.region_members else frozenset()

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date.fromisoformat(f"{self.month}-01")

    @property
    def last_day(self) -> date:
        """The last day of the month."""
        return self.first_day.replace(day=self.days_in_month)

    def fact(self, name: str) -> pl.DataFrame:
        """Return the rows of a file of facts that hold in the middle of the month; an empty frame where there is none.

        A row that says from when to when it holds answers for a month by its fifteenth day, as everywhere.
        """
        return holding(self.facts.get(name, pl.DataFrame()), self.first_day.replace(day=MIDDLE))
