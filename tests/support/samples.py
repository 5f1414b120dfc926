"""Batches and facts that the tests of the service use."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from caudal.contract.batch import FLOWS, LEDGER, BatchOrigin, Column, encode_batch, schema

NOW = datetime(2026, 11, 21, 12, 30, 15, tzinfo=UTC)
TOKEN = "token-of-collector-xa-1-0123456789"
OTHER_TOKEN = "token-of-collector-uy-1-0123456789"

_FLOW: dict[str, Any] = {
    "window_start": datetime(2026, 9, 10, 14, 5, tzinfo=UTC),
    "window_seconds": 300,
    "direction": "out",
    "remote_asn": 15169,
    "remote_country": "US",
    "location_rung": "database",
    "service": "",
    "ip_version": 4,
    "transport": "tcp",
    "sampling_from": "options",
    "folded": False,
    "site": "",
    "bytes": 1000,
    "packets": 10,
    "flows": 1,
    "bytes_variance": 0.0,
}
_LEDGER: dict[str, Any] = {
    **{column.name: 0 for column in LEDGER},
    "exporter": "core-1",
    "window_start": datetime(2026, 9, 10, 14, 5, tzinfo=UTC),
    "window_seconds": 300,
}

_OVERLAY = {
    "economies.csv": (
        "country,iso3,name_en,name_es,name_pt,region,subregion,region_group,celac,currency,population,"
        "population_year,internet_users_percent,internet_users,internet_year,gdp_usd,gdp_year,gdp_per_head_usd,"
        "gdp_per_head_ppp,ppp_year,gdp_usd_2023,usable_as_weight,source,as_of,status,note",
        "XA,XAA,Test economy,Economía de prueba,Economia de teste,Latin America and the Caribbean,South America,"
        "CELAC,1,XTS,5000000,2024,80.0,4000000,2024,60000000000,2024,12000.0,21000.0,2024,58000000000,1,"
        "synthetic: tests,2026-11-21,synthetic,",
    ),
    "countries.csv": (
        "country,iso3,name_en,name_es,name_pt,region,source,as_of,status,note",
        "XA,XAA,Test economy,Economía de prueba,Economia de teste,South America,synthetic: tests,2026-11-21,synthetic,",
    ),
    "country_groups.csv": (
        "group_id,group_name,country,source,as_of,status,note",
        "CELAC,CELAC,XA,synthetic: tests,2026-11-21,synthetic,",
    ),
}


def write_overlay(directory: Path) -> Path:
    """Write a reference overlay with the economy XA; return its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, lines in _OVERLAY.items():
        (directory / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return directory


def table(columns: tuple[Column, ...], defaults: dict[str, Any], rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as a table of the declared schema, defaults where a row says nothing.

    Packets that a row does not tell are of a kilobyte each.
    """
    filled = [{**defaults, **_packets(row), **row} for row in rows]
    return pa.table(
        {c.name: pa.array([row[c.name] for row in filled], c.arrow) for c in columns}, schema=schema(columns)
    )


def _packets(row: dict[str, Any]) -> dict[str, int]:
    return {"packets": max(10, row["bytes"] // 1000)} if "bytes" in row else {}


def origin(**changes: Any) -> BatchOrigin:
    """Return the origin of a batch of collector xa-1."""
    fields = {
        "collector": "xa-1",
        "operator": "demo-net",
        "economy": "XA",
        "created": "2026-09-10T14:10:00+00:00",
        "sequence": "1",
        "software": "caudal tests",
        "synthetic": True,
    }
    return BatchOrigin(**{**fields, **changes})


def batch(
    flows: list[dict[str, Any]] | None = None, ledger: list[dict[str, Any]] | None = None, **changes: Any
) -> bytes:
    """Return the bytes of a batch with these rows (defaults where they say nothing)."""
    return encode_batch(
        origin(**changes),
        table(FLOWS, _FLOW, [{}] if flows is None else flows),
        table(
            LEDGER, _LEDGER, [{"received": 1, "decoded": 1, "aggregated": 1}] if ledger is None else ledger
        ),
    )


def random_batch(seed: int, rows: int = 2000, months: int = 3, **changes: Any) -> bytes:
    """Return a batch of random flows over so many months from 2026-08 on; many rows share their keys."""
    random = np.random.default_rng(seed)
    first = int(datetime(2026, 8, 1, tzinfo=UTC).timestamp())
    seconds = first + random.integers(0, months * 30 * 288, rows) * 300
    size = random.integers(1, 10**9, rows).astype("u8")
    flows = pa.table(
        {
            "window_start": pa.array(seconds).cast(pa.timestamp("s")).cast(pa.timestamp("s", tz="UTC")),
            "window_seconds": np.full(rows, 300, "u4"),
            "direction": np.array(["out", "in"])[random.integers(0, 2, rows)],
            "remote_asn": np.array([15169, 32934, 2906, 64496], "u4")[random.integers(0, 4, rows)],
            "remote_country": np.array(["US", "BR", "NA", "ZZ"])[random.integers(0, 4, rows)],
            "location_rung": np.array(["database", "cloud"])[random.integers(0, 2, rows)],
            "service": np.full(rows, ""),
            "ip_version": np.full(rows, 4, "u1"),
            "transport": np.full(rows, "tcp"),
            "sampling_from": np.full(rows, "options"),
            "folded": np.zeros(rows, bool),
            "site": np.array(["", "north", "south"])[random.integers(0, 3, rows)],
            "bytes": size,
            "packets": size // np.uint64(1000) + np.uint64(1),
            "flows": np.ones(rows, "u8"),
            "bytes_variance": (size // np.uint64(7)).astype("f8"),
        },
        schema=schema(FLOWS),
    )
    ledger = table(
        LEDGER,
        _LEDGER,
        [
            {
                "received": rows,
                "decoded": rows,
                "aggregated": rows,
                "sampling_options": rows,
                "exporter": "core-1",
            }
        ],
    )
    return encode_batch(origin(sequence=str(seed), **changes), flows, ledger)
