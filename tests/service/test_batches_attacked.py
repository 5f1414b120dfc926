"""A collector with a valid token does its worst: nobody else notices, and nothing of it is counted."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from caudal.collector.deliver.shipper import Shipper
from caudal.collector.deliver.spool import Spool
from caudal.contract.batch import FLOWS, LEDGER, MEDIA_TYPE, decode_batch
from caudal.service.api.server import Service
from caudal.service.settings.intakelimits import Quotas
from caudal.service.settings.settings import ServiceSettings
from tests.collector.test_arrowstream import stream, zeros
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, OTHER_TOKEN, TOKEN, batch, origin, random_batch, write_overlay

from .test_ingest_killed import start

POISONS: list[dict[str, Any]] = [
    {"software": [1, "a"]}, {"software": 1 << 70}, {"software": "a\ud800"}, {"created": "2026-09-10T14:10:00\ud800"},
    {"created": 1 << 70}, {"sequence": {"a": 1}}, {"sequence": "\ud800"}, {"synthetic": "yes"}, {"software": None},
    {"software": "a\nERROR root: forged"}, {"software": "x" * 2000}, {"collector": ["xa-1"]}, {"economy": "\0\0"},
]  # fmt: skip


def with_metadata(members: dict[str, Any]) -> bytes:
    read = decode_batch(batch())
    written = json.dumps({"contract": 5, **asdict(origin()), **members}).encode()
    return stream(read.flows.replace_schema_metadata({b"caudal": written})) + stream(read.ledger)


def post(client: httpx.Client, body: bytes, token: str = TOKEN) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    return client.post("/v1/batches", content=body, headers=headers)


def refused(answer: httpx.Response, kind: str, status: int = 422) -> str:
    said = answer.json()
    assert (answer.status_code, said["type"]) == (status, f"urn:caudal:problem:{kind}"), said
    assert said["detail"].isprintable()
    assert len(said["detail"]) < 400
    return str(said["detail"])


@pytest.fixture
def own(settings: ServiceSettings, tmp_path: Path) -> ServiceSettings:
    """The settings with a store of their own, and room for large bodies."""
    dsn = type(settings.dsn)(f"chdb://{tmp_path}/store")
    return settings.model_copy(update={"dsn": dsn, "max_batch_bytes": 64 << 20})


@pytest.fixture
def client(own: ServiceSettings) -> Iterator[httpx.Client]:
    with Service(own, lambda: NOW) as service, httpx.Client(base_url=service.url, timeout=60) as opened:
        yield opened


def bytes_of_month(client: httpx.Client) -> int:
    answer = client.get("/v1/flows", params={"economy": "XA", "month": "2026-09"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"]["bytes"])


def test_no_metadata_end_ingest(own: ServiceSettings, caplog: pytest.LogCaptureFixture) -> None:
    with Service(own, lambda: NOW) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        for number, members in enumerate(POISONS):
            refused(post(client, with_metadata(members)), "invalid-batch")
            # Everybody else's, right after.
            assert post(client, batch(sequence=f"{number}")).status_code == 201
        large = with_metadata({"software": "x" * (30 << 20)})
        assert "octets of metadata" in refused(post(client, large), "invalid-batch")
        assert client.get("/readyz").status_code == 200
        assert bytes_of_month(client) == 1000 * len(POISONS)
    with Service(own, lambda: NOW) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        assert post(client, batch(sequence="again")).status_code == 201
        assert bytes_of_month(client) == 1000 * (len(POISONS) + 1)
    for record in caplog.records:
        assert "\n" not in record.getMessage()
        assert len(record.getMessage()) < 500


def test_a_small_body_does_not_take_gigabytes(tmp_path: Path) -> None:
    bomb = stream(zeros(FLOWS, 1 << 25), "zstd") + stream(zeros(LEDGER, 0))
    assert len(bomb) < 1 << 20
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    write_overlay(tmp_path / "overlay")
    config = tmp_path / "service.toml"
    config.write_text(
        f'dsn = "chdb://{tmp_path}/store"\nlisten = "127.0.0.1:0"\nreference_overlay = "overlay"\n'
        '[[operators]]\nid = "demo-net"\nname = "Demo"\neconomy = "XA"\n'
        '[[collectors]]\nid = "xa-1"\noperator = "demo-net"\ntoken_file = "token"\n',
        encoding="utf-8",
    )
    process, client = start(config, tmp_path / "log")
    try:
        with client:
            now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
            honest = [batch([{"window_start": now, "bytes": n}], [], sequence=str(n)) for n in (1, 2)]
            assert post(client, honest[0]).status_code == 201
            before = peak_kib(process)
            for _ in range(5):
                said = refused(post(client, bomb), "invalid-batch")
            assert "too many rows: a record batch of 33554432 where at most 600000 may follow" in said
            assert peak_kib(process) - before < 64 << 10
            assert post(client, honest[1]).status_code == 201
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)


def peak_kib(process: subprocess.Popen[bytes]) -> int:
    """The most memory that a process ever had, resident."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"bytes_variance": 1.7e308}], "it is at most sixteen times the square of the bytes"),
        ([{"bytes": 1 << 60, "packets": 10}], "a packet holds 65535 bytes at most"),
        ([{"bytes": 1 << 60}], "its links carry 3.75e+15 at most"),
        ([{"bytes": 1 << 60}] * 16, "column bytes adds up to 1.84e+19"),
        ([{"bytes": 0, "packets": 1 << 60}], "its links carry"),
        ([{"window_start": NOW - timedelta(days=30 * n)} for n in range(120)], "it must lie between 2025-10-17 and now"),
        ([{"window_start": NOW - timedelta(days=30 * n)} for n in range(12)], "12 months; send at most 4"),
    ],
)  # fmt: skip
def test_no_row_moves_the_figures_of_a_country(
    client: httpx.Client, rows: list[dict[str, Any]], says: str
) -> None:
    for seed in range(2):
        assert post(client, random_batch(seed, rows=200)).status_code == 201
    before = client.get("/v1/flows", params={"economy": "XA", "month": "2026-09"}).json()
    answer = post(client, batch(rows))
    # Held for review or refused: counted it is not.
    assert answer.status_code == 202 or says in refused(answer, "batch-refused")
    after = client.get("/v1/flows", params={"economy": "XA", "month": "2026-09"}).json()
    assert after == before


def test_times_beyond_every_calendar(client: httpx.Client) -> None:
    """Of 64 bits, a timestamp may be any number: none of them is the service's fault."""
    read = decode_batch(batch())
    for seconds in (-(1 << 63), (1 << 63) - 1, 1 << 40, -(1 << 40), 1 << 32):
        for name in ("flows", "ledger"):
            table = getattr(read, name)
            at = table.schema.get_field_index("window_start")
            time = pa.array([seconds]).cast(pa.timestamp("s")).cast(pa.timestamp("s", tz="UTC"))
            tables = {"flows": read.flows, "ledger": read.ledger}
            tables[name] = table.set_column(at, table.schema.field(at), time)
            body = stream(tables["flows"]) + stream(tables["ledger"].replace_schema_metadata(None))
            assert "must lie between" in refused(post(client, body), "batch-refused")


def test_whoever_sent_enough_is_told_when_to_go_on(own: ServiceSettings) -> None:
    quotas = own.quotas.model_copy(update={"batches_per_hour": 3})
    collectors = [
        each.model_copy(update={"quotas": Quotas(batches_per_hour=5) if each.id == "uy-1" else None})
        for each in own.collectors
    ]
    limited = own.model_copy(update={"quotas": quotas, "collectors": tuple(collectors)})
    theirs = {"collector": "uy-1", "operator": "uy-net", "economy": "UY", "synthetic": False}
    with Service(limited, lambda: NOW) as service, httpx.Client(base_url=service.url, timeout=60) as client:
        # What is refused or was stored before counts as well.
        assert [post(client, body).status_code for body in (batch(), batch(), b"no batch")] == [201, 200, 422]
        answer = post(client, batch(sequence="2"))
        assert "xa-1 has sent 3 batches this hour (UTC), and may send 3" in refused(
            answer, "quota-exceeded", 429
        )
        assert answer.headers["retry-after"] == "1785"
        said = answer.json()
        assert (said["quota"], said["used"], said["limit"]) == ("batches_per_hour", 3, 3)
        for number in range(5):
            assert post(client, batch(sequence=str(number), **theirs), OTHER_TOKEN).status_code == 201
        assert post(client, batch(sequence="6", **theirs), OTHER_TOKEN).status_code == 429
        assert post(client, batch(), "not-a-token-of-anybody").status_code == 401


def test_a_collector_waits_as_it_is_told(own: ServiceSettings, tmp_path: Path) -> None:
    """The real shipper at the real service; only the clocks are the test's."""
    limited = own.model_copy(update={"quotas": own.quotas.model_copy(update={"batches_per_hour": 1})})
    spool = Spool(tmp_path / "spool")
    spool.open()
    for number in range(2):
        spool.put(batch(sequence=str(number)))
    passed = 0.0
    with (
        Service(limited, lambda: NOW + timedelta(seconds=passed)) as service,
        httpx.Client(
            base_url=service.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as client,
    ):
        shipper = Shipper(spool, client, clock=lambda: passed, first_wait_seconds=1)
        assert 1785 <= shipper._step() <= 1786
        assert (shipper.shipped, shipper.refused, len(spool.segments())) == (1, 0, 1)
        assert "xa-1 has sent 1 batch this hour (UTC), and may send 1" in shipper.last_error
        passed = 1784
        assert shipper._step() == 1
        passed = 1785
        shipper._step()
        assert (shipper.shipped, spool.segments()) == (2, [])
