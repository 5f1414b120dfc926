"""The reference: all facts of one version, validated, as frames."""

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from caudal.reference.checks import check_between
from caudal.reference.declaration import SYNTHETIC
from caudal.reference.economy import Economy
from caudal.reference.errors import UnknownEconomy, UnknownGroup
from caudal.reference.facts import DATA, Facts, check_overlay, load_facts
from caudal.reference.files import (
    ACCESS_NETWORKS,
    COUNTRIES,
    COUNTRY_GROUPS,
    ECONOMIES,
    FILES,
    GEOLOCATION_ACCURACY,
    PLATFORM_ASNS,
    PLATFORMS,
    TRANSIT_ASNS,
)
from caudal.reference.sources import ADDRESSES, SOURCES_FILENAME

_NETWORK_COLUMNS = ("asn", "platform_id", "name", "kind", "control_country", "source", "as_of", "status")
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
    "source",
    "as_of",
    "status",
    "note",
)


@dataclass(frozen=True)
class Reference:
    """Every fact of the package and of an overlay, at one version.

    `version` is the newest date in the facts and 12 hex digits of a hash of all of them and of the
    address tables: the same facts have the same version, in whatever order and quoting they are written.
    `synthetic` says that an overlay holds made-up rows.
    """

    version: str
    synthetic: bool
    _facts: Mapping[str, Facts]

    def facts(self, name: str) -> pl.DataFrame:
        """Return a whole file of facts by its name without .csv, typed as declared; KeyError if there is none."""
        return self._facts[name].frame()

    @cached_property
    def platforms(self) -> pl.DataFrame:
        """Platforms, one row each: platform_id, name, operator, parent, countries, tier, category, ladder_stage."""
        return self.facts(PLATFORMS.name).select(_PLATFORM_COLUMNS)

    @cached_property
    def networks(self) -> pl.DataFrame:
        """Autonomous systems, one row each: asn, platform_id ('' if none), name, kind, control_country.

        Control of a platform's system is that of the platform; `kind` is platform, access or transit.
        """
        control = self.platforms.select("platform_id", "control_country")
        platform = self.facts(PLATFORM_ASNS.name).join(control, on="platform_id", how="left")
        access, transit = self.facts(ACCESS_NETWORKS.name), self.facts(TRANSIT_ASNS.name)
        kinds = {"platform": platform, "access": access, "transit": transit}
        frames = [
            frame.with_columns(
                name=pl.col("as_name"),
                kind=pl.lit(kind),
                platform_id=pl.col("platform_id") if kind == "platform" else pl.lit(""),
            ).select(_NETWORK_COLUMNS)
            for kind, frame in kinds.items()
        ]
        return pl.concat(frames).sort("asn")

    @cached_property
    def countries(self) -> pl.DataFrame:
        """Countries, one row each: country, iso3, name_en, name_es, name_pt, region (a subregion of UN M49)."""
        return self.facts(COUNTRIES.name)

    @cached_property
    def economies(self) -> pl.DataFrame:
        """Economies, one row each, with the columns of economies.csv."""
        return self.facts(ECONOMIES.name)

    @cached_property
    def groups(self) -> pl.DataFrame:
        """Members of country groups, one row each: group_id, group_name, country, source, as_of, status."""
        return self.facts(COUNTRY_GROUPS.name)

    @cached_property
    def accuracy(self) -> pl.DataFrame:
        """Measured accuracy of address databases on published cloud ranges, one row for each group of ranges."""
        return self.facts(GEOLOCATION_ACCURACY.name)

    def economy(self, code: str) -> Economy:
        """Return the economy with this ISO 3166-1 alpha-2 code; UnknownEconomy says which there are."""
        row = self._facts[ECONOMIES.name].rows.get((code,))
        if row is None:
            known = [str(key[0]) for key in self._facts[ECONOMIES.name].rows]
            raise UnknownEconomy(
                f"{code!r} is not an economy of the reference; it has {', '.join(sorted(known))}. "
                f"Add a row to {ECONOMIES.filename} in a reference overlay"
            )
        return Economy(**row.values)  # type: ignore[arg-type]

    def group(self, group_id: str) -> frozenset[str]:
        """Return the countries of a group; UnknownGroup says which groups there are."""
        members: dict[str, set[str]] = {}
        for group, country in self._facts[COUNTRY_GROUPS.name].rows:
            members.setdefault(str(group), set()).add(str(country))
        if group_id not in members:
            near = difflib.get_close_matches(group_id.upper(), members, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UnknownGroup(
                f"{group_id!r} is not a country group of the reference{hint} It has {', '.join(sorted(members))}"
            )
        return frozenset(members[group_id])


def load_reference(overlay: Path | None = None, directory: Path = DATA) -> Reference:
    """Load and validate every file of facts, with the rows of an overlay directory over them.

    An overlay holds files of the same names and columns; its rows replace those of the same key or are
    added, and may have the status synthetic. Raises FactError, which names file, line and column.
    """
    if overlay is not None:
        check_overlay(overlay, FILES)
    facts = {file.name: load_facts(file, overlay, directory) for file in FILES}
    check_between(facts)
    digest = hashlib.sha256()
    for name in sorted(facts):
        digest.update(facts[name].digest())
    digest.update((ADDRESSES / SOURCES_FILENAME).read_bytes())
    newest = max(each.newest() for each in facts.values())
    synthetic = any(
        row.values["status"] == SYNTHETIC for each in facts.values() for row in each.rows.values()
    )
    return Reference(f"{newest.isoformat()}-{digest.hexdigest()[:12]}", synthetic, facts)
