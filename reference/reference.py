"""The reference: all facts of one version, validated, as frames."""

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from caudal.common.logline import quoted
from caudal.reference.addresses.sources import ADDRESSES, SOURCES_FILENAME
from caudal.reference.economy import Economy
from caudal.reference.files.catalogue import (
    ACCESS_NETWORKS,
    COUNTRIES,
    COUNTRY_GROUPS,
    ECONOMIES,
    FILES,
    GEOLOCATION_ACCURACY,
    OTHER_NETWORKS,
    PLATFORM_ASNS,
    PLATFORMS,
    TRANSIT_ASNS,
)
from caudal.reference.files.declaration import SYNTHETIC
from caudal.reference.files.errors import FactError, UnknownEconomy, UnknownGroup
from caudal.reference.reading.checks import check_between
from caudal.reference.reading.facts import DATA, Facts, Row, check_overlay, raise_first, read_facts
from caudal.reference.reading.validity import day_of_month

if TYPE_CHECKING:
    import polars as pl

_PLATFORM_COLUMNS = (
    "platform_id",
    "name",
    "operator",
    "parent",
    "incorporation_country",
    "hq_country",
    "control_country",
    "tier",
    "category",
    "ladder_stage",
    "valid_from",
    "valid_to",
    "source",
    "as_of",
    "status",
    "note",
    "overlay",
)


@dataclass(frozen=True)
class Reference:
    """Every fact of the package and of an overlay, at one version, as of one day.

    `version` is the newest date in the facts and 12 hex digits of a hash of all of them and of the
    address tables: the same facts have the same version, in whatever order and quoting they are written.
    `synthetic` says that an overlay holds made-up rows. Everything answers as of `day`: by default the newest
    date in the facts, otherwise the one that `at` or `on` was asked for. Frames have a column `overlay`, true
    for the rows of a deployment's own.
    """

    version: str
    synthetic: bool
    _facts: Mapping[str, Facts]
    _day: date | None = None

    @property
    def day(self) -> date:
        """The day that everything answers as of."""
        return self._day or max(each.newest() for each in self._facts.values())

    def at(self, month: str) -> "Reference":
        """Return this reference as of a month (YYYY-MM): as of its 15th, for what held the longer part of it.

        Raises UnknownMonth for what is no month. Figures are all kept, of whatever period they are.
        """
        return self.on(day_of_month(month))

    def on(self, day: date) -> "Reference":
        """Return this reference as of a day."""
        return Reference(self.version, self.synthetic, self._facts, day)

    def facts(self, name: str) -> "pl.DataFrame":
        """Return the rows of a file that hold on the day, by its name without .csv; KeyError if there is none."""
        return self._held[name].frame

    def rows(self, name: str) -> tuple[Row, ...]:
        """Return the rows of a file that hold on the day, each with the file and line it was read from."""
        return tuple(self._held[name].rows.values())

    def history(self, name: str) -> "pl.DataFrame":
        """Return all rows of a file, whenever they hold, by its name without .csv; KeyError if there is none."""
        return self._facts[name].frame

    @cached_property
    def _held(self) -> dict[str, Facts]:
        day = self.day
        return {name: each.on(day) for name, each in self._facts.items()}

    @cached_property
    def platforms(self) -> "pl.DataFrame":
        """Platforms, one row each: platform_id, name, operator, parent, countries, tier, category, ladder_stage."""
        return self.facts(PLATFORMS.name).select(_PLATFORM_COLUMNS)

    @cached_property
    def networks(self) -> "pl.DataFrame":
        """Autonomous systems, one row each: asn, platform_id ('' if none), name, kind, control_country.

        Control of a platform's system is that of the platform; `kind` is platform, access, transit or one of
        `KINDS`. A system that serves several countries has one control (the check sees to it) and one row.
        """
        from caudal.reference.reading.frames import networks

        listed = (PLATFORM_ASNS, ACCESS_NETWORKS, TRANSIT_ASNS, OTHER_NETWORKS)
        return networks(self.platforms, *(self.facts(file.name) for file in listed))

    @cached_property
    def countries(self) -> "pl.DataFrame":
        """Countries, one row each: country, iso3, name_en, name_es, name_pt, region (a subregion of UN M49)."""
        return self.facts(COUNTRIES.name)

    @cached_property
    def economies(self) -> "pl.DataFrame":
        """Economies, one row each, with the columns of economies.csv."""
        return self.facts(ECONOMIES.name)

    @cached_property
    def groups(self) -> "pl.DataFrame":
        """Members of country groups, one row each: group_id, group_name, country, source, as_of, status."""
        return self.facts(COUNTRY_GROUPS.name)

    @cached_property
    def accuracy(self) -> "pl.DataFrame":
        """Measured accuracy of address databases on published cloud ranges, one row for each group of ranges."""
        return self.facts(GEOLOCATION_ACCURACY.name)

    def economy(self, code: str) -> Economy:
        """Return the economy with this ISO 3166-1 alpha-2 code; UnknownEconomy says which there are."""
        economies = {row.values["country"]: row for row in self._held[ECONOMIES.name].rows.values()}
        if code not in economies:
            raise UnknownEconomy(
                f"{quoted(code)} is not an economy of the reference; it has {', '.join(sorted(map(str, economies)))}. "
                f"Add a row to {ECONOMIES.filename} in a reference overlay"
            )
        values = economies[code].values
        return Economy(**{field.name: values[field.name] for field in fields(Economy)})  # type: ignore[arg-type]

    def group(self, group_id: str) -> frozenset[str]:
        """Return the countries of a group; UnknownGroup says which groups there are."""
        members: dict[str, set[str]] = {}
        for row in self._held[COUNTRY_GROUPS.name].rows.values():
            members.setdefault(str(row.values["group_id"]), set()).add(str(row.values["country"]))
        if group_id not in members:
            near = difflib.get_close_matches(group_id.upper(), members, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UnknownGroup(
                f"{quoted(group_id)} is not a country group of the reference{hint} It has {', '.join(sorted(members))}"
            )
        return frozenset(members[group_id])


def load_reference(overlay: Path | None = None, directory: Path = DATA) -> Reference:
    """Load and validate every file of facts, with the rows of an overlay directory over them.

    An overlay holds files of the same names and columns; its rows replace those of the same key or are
    added, and may have the status synthetic. Raises FactError, which names file, line and column.
    """
    facts, faults = examine(overlay, directory)
    raise_first(faults)
    digest = hashlib.sha256()
    for name in sorted(facts):
        digest.update(facts[name].digest())
    digest.update((ADDRESSES / SOURCES_FILENAME).read_bytes())
    newest = max(each.newest() for each in facts.values())
    synthetic = any(
        row.values["status"] == SYNTHETIC for each in facts.values() for row in each.rows.values()
    )
    return Reference(f"{newest.isoformat()}-{digest.hexdigest()[:12]}", synthetic, facts)


def examine(overlay: Path | None = None, directory: Path = DATA) -> tuple[dict[str, Facts], list[FactError]]:
    """Return the facts of every file as far as they can be read, and every fault of them, in order of the files."""
    faults = list(check_overlay(overlay, FILES)) if overlay is not None else []
    if overlay is not None and not overlay.is_dir():
        overlay = None
    facts = {file.name: read_facts(file, faults, overlay, directory) for file in FILES}
    faults.extend(check_between(facts))
    return facts, faults
