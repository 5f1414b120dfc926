"""What an indicator needs to know besides the flow cells: the economy, its region, its users, the month."""

from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

# In the status of a row of which something was not checked against a source: `from_memory` as a whole,
# `verified_WHAT_memory_WHAT` in part.
UNCHECKED = "memory"


class Economy(Protocol):
    """The facts about an economy that indicators use; `caudal.reference.Economy` has them."""

    @property
    def country(self) -> str:
        """Its code, ISO 3166-1 alpha-2."""

    @property
    def internet_users(self) -> int | None:
        """People using the internet; None where no figure is known."""

    @property
    def status(self) -> str:
        """How its row was checked."""


@dataclass(frozen=True)
class Context:
    """One economy in one month, as far as it is not in the flow cells.

    `month` is YYYY-MM. `region_members` are the country codes of `region_group`, the group taken as the
    economy's region. `coverage` is the share of the economy's internet users that the reporting networks
    serve and `covered_users` their number; None where no operator declared it. `accuracy` holds measured
    accuracy of address databases (columns truth, group, sampled_ips, and one per database). `flags` are
    set on every observation.
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

    @property
    def region(self) -> frozenset[str]:
        """The countries of the region; a country is always in its own. Empty where no region is known."""
        return self.region_members | {self.economy.country} if self.region_members else frozenset()
