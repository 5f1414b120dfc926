"""Made-up traffic and facts for the dashboard's queries: small, seeded, with every kind of unknown in it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from caudal.contract.batch import FLOWS, LEDGER, BatchOrigin, encode_batch, schema

ECONOMY = "UY"
START = datetime(2026, 8, 1, tzinfo=UTC)
DAYS = 92
END = START + timedelta(days=DAYS)
GROUP = ("UY", "BR", "AR", "CL")

# asn, platform, name, kind, control
NETWORKS = [
    (15169, "google", "Google", "platform", "US"),
    (32934, "meta", "Meta", "platform", "US"),
    (2906, "netflix", "Netflix", "platform", "US"),
    (45102, "alibaba", "Alibaba", "platform", "CN"),
    (64500, "portal", "Portal", "platform", "UY"),
    (64501, "", "Access", "access", "UY"),
    (64502, "", "Transit", "transit", "BR"),
]
# platform, name, control, category, stage, status
PLATFORMS = [
    ("google", "Google", "US", "search_ai", 4, "verified"),
    ("meta", "Meta", "US", "social", 4, "verified"),
    ("netflix", "Netflix", "US", "video_streaming", 4, "verified"),
    ("alibaba", "Alibaba", "CN", "marketplace", 3, "from_memory"),
    ("portal", "Portal d'ici", "UY", "portal", 1, "verified"),
]
# remote asn, country, rung, mean bytes out and in
ENDS = [
    (15169, "US", "cloud", 4e8, 2e9),
    (15169, "UY", "operator", 1e8, 3e9),
    (15169, "ZZ", "anycast", 2e7, 1e8),
    (32934, "BR", "database", 5e8, 9e8),
    (2906, "UY", "operator", 1e8, 6e9),
    (45102, "SG", "cloud", 6e7, 2e8),
    (64500, "UY", "database", 2e8, 4e8),
    (64501, "UY", "database", 3e8, 3e8),
    (64502, "AR", "database", 4e7, 5e7),
    (65000, "CL", "database", 7e7, 8e7),
    (65001, "ZZ", "disagreement", 5e7, 1e8),
    (0, "ZZ", "unknown", 1e6, 2e6),
]


@dataclass(frozen=True)
class Facts:
    """As much of a reference as the store loads."""

    version: str = "2026-11-01-000000000000"
    synthetic: bool = False

    @property
    def networks(self) -> pl.DataFrame:
        return pl.DataFrame(
            [(*row, "verified") for row in NETWORKS],
            schema={
                "asn": pl.UInt32,
                "platform_id": pl.String,
                "name": pl.String,
                "kind": pl.String,
                "control_country": pl.String,
                "status": pl.String,
            },
            orient="row",
        )

    @property
    def platforms(self) -> pl.DataFrame:
        return pl.DataFrame(
            [
                (i, name, name, control, "platform", category, stage, s)
                for i, name, control, category, stage, s in PLATFORMS
            ],
            schema={
                "platform_id": pl.String,
                "name": pl.String,
                "parent": pl.String,
                "control_country": pl.String,
                "tier": pl.String,
                "category": pl.String,
                "ladder_stage": pl.UInt8,
                "status": pl.String,
            },
            orient="row",
        )

    @property
    def countries(self) -> pl.DataFrame:
        codes = ["UY", "BR", "AR", "CL", "US", "CN", "SG"]
        return pl.DataFrame(
            {
                "country": codes,
                "name_en": ["Uruguay", "Brazil", "Argentina", "Chile", "United States", "China", "Singapore"],
                "name_es": codes,
                "name_pt": codes,
                "region": ["South America"] * 4 + ["Northern America", "Eastern Asia", "South-eastern Asia"],
            }
        )

    @property
    def groups(self) -> pl.DataFrame:
        rows = [("SUR", c) for c in GROUP] + [("GLOBAL_SOUTH", c) for c in (*GROUP, "CN", "SG", "IN")]
        return pl.DataFrame(rows, schema=["group_id", "country"], orient="row")

    def facts(self, name: str) -> pl.DataFrame:
        assert name == "access_networks"
        return pl.DataFrame({"country": [ECONOMY], "asn": [64501]}, schema_overrides={"asn": pl.UInt32})


def batches() -> list[bytes]:
    """Return one batch a week of two collectors of two operators; the second one's are synthetic."""
    chance = np.random.default_rng(20261101)
    answer = []
    for collector, operator, synthetic, size, weeks in (
        ("uy-1", "norte", False, 1.0, range(0, DAYS, 7)),
        ("uy-2", "sur", True, 0.2, range(0, DAYS, 28)),
    ):
        for week in weeks:
            days = [START + timedelta(days=day) for day in range(week, min(week + 7, DAYS))]
            rows = [row for day in days for row in _flows(chance, day, size)]
            ledger = [_ledger(f"core-{collector}", day) for day in days]
            origin = BatchOrigin(
                collector, operator, ECONOMY, days[0].isoformat(), str(week), "caudal test", synthetic
            )
            answer.append(
                encode_batch(
                    origin,
                    pa.Table.from_pylist(rows, schema(FLOWS)),
                    pa.Table.from_pylist(ledger, schema(LEDGER)),
                )
            )
    return answer


def _flows(chance: np.random.Generator, day: datetime, size: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for hour in (3, 20):
        for asn, country, rung, out, into in ENDS:
            for direction, mean in (("out", out), ("in", into)):
                amount = int(size * mean * (hour / 20) * chance.lognormal(0, 0.5))
                rows.append(
                    {
                        "window_start": day + timedelta(hours=hour),
                        "window_seconds": 300,
                        "direction": direction,
                        "remote_asn": asn,
                        "remote_country": country,
                        "location_rung": rung,
                        "service": "meta" if asn == 65000 and direction == "in" else "",
                        "ip_version": 0 if asn == 0 else 4,
                        "transport": "any" if asn == 0 else "tcp",
                        "sampling_from": "assumed" if asn == 45102 else "options",
                        "folded": asn == 0,
                        "site": "",
                        "bytes": amount,
                        "packets": amount // 900,
                        "flows": 50,
                        "bytes_variance": 0.0 if asn == 45102 else amount * 900.0 * 1000,
                    }
                )
        inside = {"direction": "internal", "remote_country": ECONOMY, "bytes": 7_000_000_000}
        rows.append(rows[-1] | inside)
    return rows


def _ledger(exporter: str, day: datetime) -> dict[str, object]:
    return {column.name: 0 for column in LEDGER if column.kind == "sum"} | {
        "exporter": exporter,
        "window_start": day,
        "window_seconds": 300,
        "datagrams": 40,
        "received": 1210,
        "decoded": 1203,
        "waiting": 4,
        "malformed": 3,
        "aggregated": 1200,
        "events": 3,
        "lost": 2,
        "sampling_options": 1000,
        "sampling_assumed": 203,
    }
