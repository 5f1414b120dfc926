"""The embedded store: rows ingested a second, what they take on disk, and how soon the API answers."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from fastapi.testclient import TestClient

from bench.figure import Section, alone
from caudal.collector.batch import FLOWS, LEDGER, BatchOrigin, decode_batch, encode_batch, schema
from caudal.demo.economy import ECONOMY, REFERENCE_OVERLAY
from caudal.reference import Reference, load_reference
from caudal.service.app import create_app
from caudal.service.ingest import Ingest
from caudal.service.migration import migrate
from caudal.service.reference_tables import load_reference_tables
from caudal.service.settings import Operator, ServiceSettings
from caudal.service.store import Store

_OPERATOR, _COLLECTOR, _MONTH = "bench-net", "bench-1", "2026-09"
_FIRST = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_WINDOWS, _WINDOW_SECONDS = 30 * 288, 300
_TEXT_PARTS = (("direction", ("out", "in")), ("transport", ("tcp", "udp")))
_METHOD = (
    "An embedded store (chDB) in this process, all cores, wall time; no peer, the state as it is. A batch is read "
    "and checked, journalled, inserted with all its roll-ups and acknowledged, as POST /v1/batches does after the "
    "request is in. The report holds every indicator of a month and is asked for over the whole API, HTTP framing "
    "left out. On disk: the whole store, roll-ups and reference included, by window row."
)


def measure(rows: int = 100_000, batches: int = 5, answers: int = 7) -> Section:
    """Return the figures for batches of so many rows, all of one month."""
    reference = load_reference(REFERENCE_OVERLAY)
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as directory:
        dsn = f"chdb://{directory}/store"
        settings = ServiceSettings.model_validate(
            {"dsn": dsn, "operators": (Operator(id=_OPERATOR, name="bench", economy=ECONOMY),)}
        )
        with Store(dsn) as store:
            migrate(store, lambda: _NOW)
            load_reference_tables(store, reference, lambda: _NOW)
            empty = _bytes(Path(directory))
            bodies = [_batch(reference, rows, seed) for seed in range(batches + 1)]
            seconds = [_ingest(Ingest(store), body) for body in bodies][1:]
            stored = int(store.value("SELECT sum(rows) FROM batch"))
            cells = int(store.value("SELECT count() FROM flow_month FINAL"))
            with TestClient(create_app(settings, store, reference, lambda: _NOW)) as client:
                waits = [_answer(client) for _ in range(answers + 1)][1:]
            size = _bytes(Path(directory)) - empty
    assert stored == rows * (batches + 1), "the store does not hold what it acknowledged"
    figures = [
        alone("Ingest", "rows/s", [rows / each for each in seconds], f"batches of {rows:,} rows"),
        alone("Report of a month, all indicators", "ms", [1000 * each for each in waits], f"{cells:,} cells"),
        alone("On disk", "bytes/row", [size / stored], "before background merges end"),
        alone("A batch on the wire", "bytes/row", [len(body) / rows for body in bodies]),
    ]
    return Section("Store", _METHOD, figures, {"rows": stored, "cells_of_month": cells})


def _ingest(ingest: Ingest, body: bytes) -> float:
    began = time.perf_counter()
    ingest.store_batch(decode_batch(body), body, _NOW)
    return time.perf_counter() - began


def _answer(client: TestClient) -> float:
    began = time.perf_counter()
    response: httpx.Response = client.get(f"/v1/reports/{ECONOMY}/{_MONTH}")
    seconds = time.perf_counter() - began
    response.raise_for_status()
    assert response.json()["indicators"], "the report holds no indicator"
    return seconds


def _batch(reference: Reference, rows: int, seed: int) -> bytes:
    """Return a batch of skewed traffic to the networks of the reference and 3,000 others, over a month."""
    random = np.random.default_rng(seed)
    known = reference.networks["asn"].to_numpy()
    asns = np.concatenate([known, np.arange(100_000, 103_000)]).astype("u4")
    countries = np.array(sorted(reference.countries["country"].to_list()))
    popularity = 1 / np.arange(1, len(asns) + 1)
    which = random.choice(len(asns), rows, p=popularity / popularity.sum())
    window = _FIRST + random.integers(0, _WINDOWS, rows) * _WINDOW_SECONDS
    size = random.integers(1, 10**9, rows).astype("u8")
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
        "bytes": pa.array(size),
        "packets": pa.array(size // np.uint64(1_000) + np.uint64(1)),
        "flows": pa.array(random.integers(1, 1_000, rows).astype("u8")),
        "bytes_variance": pa.array(size.astype("f8") * 1e6),
    }
    for name, names in _TEXT_PARTS:
        columns[name] = _texts(np.array(names), random.integers(0, len(names), rows))
    origin = BatchOrigin(
        collector=_COLLECTOR,
        operator=_OPERATOR,
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
