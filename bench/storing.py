"""The embedded store: rows ingested a second, what they take on disk, and how soon the API answers."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.figure import Section, alone, failed
from caudal.contract.batch import FLOWS, LEDGER, MEDIA_TYPE, BatchOrigin, encode_batch, schema
from caudal.demo.traffic.economy import ECONOMY, REFERENCE_OVERLAY
from caudal.reference import Reference, load_reference
from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store

TOKEN = "only-for-this-run-of-the-benchmark"
OPERATOR, COLLECTOR, _MONTH = "bench-net", "bench-1", "2026-09"
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_WINDOWS, _WINDOW_SECONDS = 30 * 288, 300
_TEXT_PARTS = (("direction", ("out", "in")), ("transport", ("tcp", "udp")))
_METHOD = (
    "The service on an embedded store (chDB), all cores, wall time as a client over HTTP on loopback sees it; no "
    "peer, the state as it is. Ingest is POST /v1/batches until it is acknowledged: checked, journalled, inserted "
    "with all roll-ups, durable. The report, GET /v1/reports, holds every indicator of a month. On disk is all that "
    "the batches add, roll-ups included, by window row; on the wire is a batch, by row."
)


def measure(rows: int = 100_000, batches: int = 5, answers: int = 9) -> Section:
    """Return the figures for batches of so many rows, all of one month."""
    reference = load_reference(REFERENCE_OVERLAY)
    bodies = [batch_of(reference, rows, seed, _MONTH) for seed in range(batches + 1)]
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as name:
        directory = Path(name)
        settings = _settings(directory)
        with Service(settings, lambda: _NOW) as service:
            empty = _bytes(directory)
            with httpx.Client(base_url=service.url, timeout=120) as client:
                # The first of each also loads what it needs.
                posts = [_post(client, body) for body in bodies][1:]
                waits = [_get_report(client) for _ in range(answers + 1)][1:]
        size = _bytes(directory) - empty
        with Store(settings.dsn.get_secret_value()) as store:
            stored = int(store.value("SELECT count() FROM flow_window"))
            cells = int(store.value("SELECT count() FROM flow_month FINAL"))
    if stored != rows * len(bodies):
        wrong = f"{stored} rows are stored, {rows * len(bodies)} were acknowledged"
        return Section("Store", _METHOD, [failed("Ingest", "rows/s", "", wrong)])
    figures = [
        alone("Ingest", "rows/s", [rows / each for each in posts], f"batches of {rows:,} rows"),
        alone("Report of a month", "ms", [1000 * each for each in waits], f"from {cells:,} cells"),
        alone("On disk", "bytes/row", [size / stored], "merges in the background make it smaller"),
        alone("On the wire", "bytes/row", [len(body) / rows for body in bodies]),
    ]
    return Section("Store", _METHOD, figures, {"rows": stored, "cells_of_month": cells})


def _settings(directory: Path) -> ServiceSettings:
    token = directory / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN, encoding="utf-8")
    return ServiceSettings.model_validate(
        {
            "dsn": f"chdb://{directory}/store",
            "listen": "127.0.0.1:0",
            "reference_overlay": REFERENCE_OVERLAY,
            "operators": ({"id": OPERATOR, "name": "bench", "economy": ECONOMY},),
            "collectors": ({"id": COLLECTOR, "operator": OPERATOR, "token_file": token},),
            # They are received at a time that is past, and the store forgets them by the machine's clock.
            "keep_windows_days": 3650,
        }
    )


def _post(client: httpx.Client, body: bytes) -> float:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}
    began = time.perf_counter()
    response = client.post("/v1/batches", content=body, headers=headers)
    seconds = time.perf_counter() - began
    response.raise_for_status()
    return seconds


def _get_report(client: httpx.Client) -> float:
    began = time.perf_counter()
    response = client.get(f"/v1/reports/{ECONOMY}/{_MONTH}")
    seconds = time.perf_counter() - began
    response.raise_for_status()
    if not response.json()["indicators"]:
        raise RuntimeError("the report holds no indicator")
    return seconds


def batch_of(reference: Reference, rows: int, seed: int, month: str) -> bytes:
    """Return a batch of skewed traffic to the networks of the reference and 3,000 others, over a month (YYYY-MM)."""
    first = int(datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC).timestamp())
    random = np.random.default_rng(seed)
    known = reference.networks["asn"].to_numpy()
    asns = np.concatenate([known, np.arange(100_000, 103_000)]).astype("u4")
    countries = np.array(sorted(reference.countries["country"].to_list()))
    popularity = 1 / np.arange(1, len(asns) + 1)
    which = random.choice(len(asns), rows, p=popularity / popularity.sum())
    window = first + random.integers(0, _WINDOWS, rows) * _WINDOW_SECONDS
    size = random.integers(1_000, 10**9, rows).astype("u8")
    columns: dict[str, pa.Array] = {
        "window_start": pa.array(window).cast(pa.timestamp("s", tz="UTC")),
        "window_seconds": pa.array(np.full(rows, _WINDOW_SECONDS, "u4")),
        "remote_asn": pa.array(asns[which]),
        "remote_country": _texts(countries, which % len(countries)),
        "location_rung": pa.repeat(pa.scalar("database"), rows),
        "service": pa.repeat(pa.scalar(""), rows),
        "ip_version": pa.array(random.choice([4, 6], rows).astype("u1")),
        "sampling_from": pa.repeat(pa.scalar("options"), rows),
        "folded": pa.array(np.zeros(rows, bool)),
        "site": pa.array(np.full(rows, "")),
        "bytes": pa.array(size),
        "packets": pa.array(size // np.uint64(1_000) + np.uint64(1)),
        "flows": pa.array(random.integers(1, 1_000, rows).astype("u8")),
        "bytes_variance": pa.array(size.astype("f8") * 1e3),
    }
    for name, names in _TEXT_PARTS:
        columns[name] = _texts(np.array(names), random.integers(0, len(names), rows))
    origin = BatchOrigin(
        collector=COLLECTOR,
        operator=OPERATOR,
        economy=ECONOMY,
        created=_NOW.isoformat(),
        sequence=str(seed),
        software="caudal bench",
        synthetic=True,
    )
    flows = pa.table([columns[column.name] for column in FLOWS], schema=schema(FLOWS))
    return encode_batch(origin, flows, schema(LEDGER).empty_table())


def _texts(names: npt.NDArray[np.str_], which: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(names.tolist(), pa.string()).take(pa.array(which))


def _bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
