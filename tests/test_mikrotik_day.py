"""A day of eight routers, one of which states its sampling rate with the octets the wrong way round.

RouterOS writes element 34 in little-endian order, so that 1:1,000 is read as 1:3,892,510,720: a few megabytes become
petabytes, and the country one platform. Collector, service and report must give what the other seven say and what the
configured rate makes of the eighth, and tell operator and regulator.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.compute as pc
import pytest

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.signs.disbelief import disbeliefs
from caudal.collector.signs.signs import signs
from caudal.contract.batch import BatchOrigin, encode_batch
from caudal.reference import AddressTable
from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings
from tests.support.builders import DESTINATION, OCTETS, PACKETS, SOURCE, a_set, ip, netflow9, template
from tests.support.patience import PATIENCE_SECONDS

NOON = datetime(2026, 10, 14, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROUTERS = [f"192.0.2.{number}" for number in range(1, 9)]
LIAR = ROUTERS[4]
RATE, TURNED = 1000, int.from_bytes((1000).to_bytes(4, "little"), "big")
TOKEN = "a-token-for-this-test-only-0123456789"
# Of Google, Meta, Netflix, Cloudflare and Amazon, by what the registries say.
FAR = ["142.250.78.14", "157.240.12.35", "45.57.9.1", "104.16.132.229", "52.95.110.1"]
FIELDS = template(256, SOURCE, DESTINATION, OCTETS, PACKETS, (34, 4))


@dataclass(frozen=True)
class Day:
    """What became of a day: collector's totals, what it does not believe, and the service's answers."""

    totals: dict[str, int]
    octets: int
    said: list[str]
    attention: list[tuple[str, str, bool]]
    indicators: Any
    report: dict[str, str]


def exports(router: int, hour: int, stated: int) -> bytes:
    """What a router exports of an hour: sampled packets to and from every far end, more of it by the earlier ones."""
    records = b""
    for rank, far in enumerate(FAR):
        host = f"198.51.100.{10 * router + rank}"
        for source, destination, octets in ((far, host, 1400), (host, far, 200)):
            packets = 60 - 10 * rank + hour % 3
            records += struct.pack(">IIIII", ip(source), ip(destination), octets * packets, packets, stated)
    seconds = int(NOON.timestamp()) - 12 * 3600 + 3600 * hour + 60 * router
    return netflow9(FIELDS, a_set(256, records), seconds=seconds, sequence=hour, domain=1)


def a_day(stated_by_liar: int, configured: float | None, without: tuple[str, ...] = ()) -> Pipeline:
    pipeline = Pipeline(
        economy="CL",
        home=["198.51.100.0/24"],
        table=AddressTable.load(),
        window_seconds=300,
        k=1,
        sampling={LIAR: configured} if configured else {},
    )
    for hour in range(24):
        for number, router in enumerate(ROUTERS):
            if router in without:
                continue
            payload = exports(number, hour, stated_by_liar if router == LIAR else RATE)
            pipeline.datagrams(
                Datagrams(
                    np.frombuffer(payload, np.uint8),
                    np.zeros(1, np.int64),
                    np.array([len(payload)]),
                    np.array([pipeline.exporters.number(router)], np.int32),
                    np.array([int(NOON.timestamp() * 1000) + 12 * 3_600_000]),
                    np.zeros(1, np.bool_),
                )
            )
    return pipeline


@contextmanager
def service(directory: Path) -> Iterator[httpx.Client]:
    directory.mkdir()
    (directory / "token").write_text(TOKEN)
    settings = ServiceSettings.model_validate(
        {
            "dsn": f"chdb://{directory}/store",
            "listen": "127.0.0.1:0",
            "operators": [{"id": "test-net", "name": "Test network", "economy": "CL"}],
            "collectors": [{"id": "test-1", "operator": "test-net", "token_file": directory / "token"}],
            "confidentiality": {"minimum_operators": 1, "percent": 0},
            "publication": {"enabled": False},
        }
    )
    with (
        Service(settings, clock=lambda: NOW) as running,
        httpx.Client(base_url=running.url, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


def live(pipeline: Pipeline, directory: Path) -> Day:
    addresses = pipeline.exporters.addresses
    flows, ledger = pipeline.take(None, addresses.__getitem__)
    body = encode_batch(
        BatchOrigin("test-1", "test-net", "CL", NOW.isoformat(timespec="seconds"), "1", "caudal test"),
        flows,
        ledger,
    )
    with service(directory) as client:
        head = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/vnd.apache.arrow.stream"}
        assert client.post("/v1/batches", content=body, headers=head).status_code == 201
        answers = client.get(
            "/v1/reports/CL/2026-10", params={"language": "en"}, headers={"Accept": "application/json"}
        )
        assert answers.status_code == 200
        report = {
            language: client.get(
                "/v1/reports/CL/2026-10", params={"language": language}, headers={"Accept": "text/html"}
            ).text
            for language in ("en", "es", "pt")
        }
    return Day(
        {name: int(pipeline.ledger.totals[at]) for name, at in COUNT.items()},
        pc.sum(flows["bytes"]).as_py(),
        [
            f"{each.exporter}: {sentence}"
            for each in disbeliefs(pipeline.decoder, addresses.__getitem__)
            for sentence in each.sentences
        ],
        [
            (sign.exporter, sign.kind, sign.needs_attention)
            for sign in signs(pipeline, addresses.__getitem__)
            if sign.kind != "clock_off"  # all of a day arrives at its end
        ],
        without_provenance(answers.json()),
        report,
    )


def without_provenance(report: dict[str, Any]) -> Any:
    """The values of a report: every observation of every indicator."""
    text = json.dumps(
        [
            [entry["id"], [[o["dimension"], o["value"], o["low"], o["high"]] for o in entry["observations"]]]
            for entry in report["indicators"]
        ]
    )
    return json.loads(text)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return live(a_day(RATE, None), tmp_path_factory.mktemp("honest") / "service")


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return live(a_day(TURNED, RATE), tmp_path_factory.mktemp("lying") / "service")


def test_the_day_is_that_of_seven_routers_and_the_configured_rate(honest: Day, lying: Day) -> None:
    assert (
        lying.octets
        == honest.octets
        == 8 * RATE * sum(1600 * (60 - 10 * rank + hour % 3) for rank in range(5) for hour in range(24))
    )
    assert lying.indicators == honest.indicators
    assert any(values for _, values in honest.indicators)


def test_the_operator_is_told(honest: Day, lying: Day) -> None:
    assert honest.said == []
    assert lying.said == [
        f"{LIAR}: It states sampling 1:{TURNED}, which is 1:{RATE} with its octets the wrong way round. "
        "The rate of the settings was taken for 240 records."
    ]
    # Nothing is left to be done: the operator gave the rate.
    assert (honest.attention, lying.attention) == ([], [(LIAR, "rate_not_believed", False)])
    assert (honest.totals["rate_implausible"], lying.totals["rate_implausible"]) == (0, 240)
    assert (honest.totals["sampling_config"], lying.totals["sampling_config"]) == (0, 240)
    assert lying.totals["decoded"] == lying.totals["aggregated"] == 8 * 240


def test_the_regulator_is_told(honest: Day, lying: Day) -> None:
    for language, words in {
        "en": "240 records state a sampling rate that no router has",
        "es": "240 registros declaran una tasa de muestreo que ningún enrutador tiene",
        "pt": "240 registros declaram uma taxa de amostragem que nenhum roteador tem",
    }.items():
        assert words in lying.report[language]
        assert words not in honest.report[language]


def test_without_a_configured_rate_the_liar_cannot_outweigh_the_others(honest: Day) -> None:
    """It counts as not sampled: little is missing, and nothing is invented."""
    flows, _ = a_day(TURNED, None).take(None, str)
    rest, _ = a_day(TURNED, None, without=(LIAR,)).take(None, str)
    found, others = (pc.sum(table["bytes"]).as_py() for table in (flows, rest))
    assert found - others == (honest.octets - others) // RATE
