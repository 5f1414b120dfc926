"""Loads a version of the reference data into the store, once, and puts it in force."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime

import polars as pl
import pyarrow as pa

from caudal.reference import Reference
from caudal.service.errors import StoreError
from caudal.service.settings.settings import Operator
from caudal.service.store.referencerows import (
    OPERATOR_NETWORK,
    has_version,
    operator_networks,
    operator_networks_number,
    reference_in_force,
    was_in_force,
)
from caudal.service.store.store import Store

# The days that the store can hold.
_FIRST, _LAST = date(1900, 1, 1), date(2299, 12, 31)
_VERSION = re.compile(r"[0-9A-Za-z.-]{1,64}")

# Table of the store → where its columns come from: (frame of the reference, {column: column there}).
_TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "network": (
        "networks",
        {
            "asn": "asn",
            "platform": "platform_id",
            "name": "name",
            "kind": "kind",
            "control": "control_country",
            "status": "status",
        },
    ),
    "platform": (
        "platforms",
        {
            "platform": "platform_id",
            "name": "name",
            "parent": "parent",
            "control": "control_country",
            "tier": "tier",
            "category": "category",
            "stage": "ladder_stage",
            "status": "status",
        },
    ),
    "country": (
        "countries",
        {
            "country": "country",
            "name_en": "name_en",
            "name_es": "name_es",
            "name_pt": "name_pt",
            "region": "region",
        },
    ),
    "country_group": ("groups", {"group_id": "group_id", "country": "country"}),
    "access_network": ("access_networks", {"country": "country", "asn": "asn"}),
}
# Frames that are files of facts as they are.
_FILES = ("access_networks",)


def load_reference_tables(store: Store, reference: Reference, clock: Callable[[], datetime]) -> bool:
    """Put `reference` in force for every view; return whether its rows had to be loaded first.

    A load that was killed half way is begun again: nothing joins a version before it is recorded.
    """
    version = reference.version
    if not _VERSION.fullmatch(version):
        raise StoreError(f"reference version {version!r} is not a name of letters, digits, dots and hyphens")
    known = was_in_force(store, version)
    # A version that was loaded by an older service lacks the rows of younger tables.
    lacking = [table for table in _TABLES if not known or not has_version(store, table, version)]
    for table in lacking:
        store.command(f"ALTER TABLE {table} DROP PARTITION '{version}'")
        store.insert(table, _rows(reference, table))
    if reference_in_force(store) != version:
        store.insert("reference_version", _record(reference, clock()))
    return not known


def load_operator_networks(
    store: Store, operators: Iterable[Operator], clock: Callable[[], datetime]
) -> bool:
    """Put the AS numbers that operators declare in force for every view; return whether they differ from before."""
    wanted = sorted(
        (operator.economy, operator.id, each.asn, max(each.since, _FIRST), min(each.until, _LAST))
        for operator in operators
        for each in operator.asns
    ) or [("", "", 0, _FIRST, _LAST)]
    if operator_networks(store) == wanted:
        return False
    number = operator_networks_number(store) + 1
    rows = dict(zip(OPERATOR_NETWORK, zip(*wanted, strict=True), strict=True))
    types = {"asn": pa.uint32(), "since": pa.date32(), "until": pa.date32()}
    told = {name: pa.array(column, types.get(name)) for name, column in rows.items()}
    told["number"] = pa.array([number] * len(wanted), pa.uint64())
    told["loaded_at"] = pa.array([clock()] * len(wanted), pa.timestamp("ms", tz="UTC"))
    store.insert("operator_network", pa.table(told))
    return True


def _rows(reference: Reference, table: str) -> pa.Table:
    frame_name, columns = _TABLES[table]
    frame: pl.DataFrame = (
        reference.facts(frame_name) if frame_name in _FILES else getattr(reference, frame_name)
    )
    chosen = frame.select(
        pl.lit(reference.version).alias("version"),
        *(pl.col(source).alias(name) for name, source in columns.items()),
    ).unique(maintain_order=True)
    texts = [name for name, dtype in chosen.schema.items() if dtype in (pl.String, pl.Categorical, pl.Null)]
    filled = chosen.with_columns(pl.col(name).cast(pl.String).fill_null("") for name in texts)
    return filled.to_arrow(compat_level=pl.CompatLevel.oldest())


def _record(reference: Reference, now: datetime) -> pa.Table:
    return pa.table(
        {
            "version": [reference.version],
            "loaded_at": pa.array([now], pa.timestamp("ms", tz="UTC")),
            "synthetic": [bool(reference.synthetic)],
        }
    )
