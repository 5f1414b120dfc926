"""20,000 mutated batches: each is refused in one line or stored whole, and nothing ends ingest."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.contract.batch import MEDIA_TYPE, BatchError, batch_id, decode_batch
from caudal.service.admission import admit
from caudal.service.api.server import Service
from caudal.service.errors import BatchRefused
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.samples import NOW, TOKEN, batch

from .mutations import mutated
from .test_ingest import FLOW_TABLES, LEDGER_TABLES, totals, truth

COUNTED = (*FLOW_TABLES, *LEDGER_TABLES)
BODIES, SEED = 20_000, 20261130
# By HTTP: those that fail late and some of those that fail early, since each takes a few milliseconds.
INVALID, REFUSED, ADMITTED = 1_500, 700, 150


@pytest.fixture(scope="module")
def judged() -> dict[str, list[bytes]]:
    """Mutated bodies by what decoder and admission say of them; they say nothing but that."""
    found: dict[str, list[bytes]] = {"invalid": [], "refused": [], "admitted": []}
    for body in mutated(BODIES, SEED):
        try:
            admit(decode_batch(body), NOW)
        except (BatchError, BatchRefused) as error:
            said = str(error)
            assert said.isprintable(), said
            assert len(said) < 500, said
            found["invalid" if isinstance(error, BatchError) else "refused"].append(body)
        else:
            found["admitted"].append(body)
    return found


def test_every_one_is_refused_in_one_line_or_admitted(judged: dict[str, list[bytes]]) -> None:
    count = {name: len(bodies) for name, bodies in judged.items()}
    assert sum(count.values()) == BODIES
    # Of each there are enough for this to mean something.
    assert min(count.values()) > 500, count


def test_the_service_survives_them(
    settings: ServiceSettings, judged: dict[str, list[bytes]], tmp_path: Path
) -> None:
    """No 5xx, no hang, and what is stored in the end is what was accepted, also after starting again."""
    source = random.Random(SEED)
    chosen = source.sample(judged["invalid"], INVALID)
    chosen += [*judged["refused"][:REFUSED], *judged["admitted"][:ADMITTED]]
    source.shuffle(chosen)
    changed = settings.model_copy(update={"dsn": _secret(settings, f"chdb://{tmp_path}/store")})
    changed = changed.model_copy(
        update={"quotas": settings.quotas.model_copy(update={"batches_per_hour": 10**6})}
    )
    answers: Counter[int] = Counter()
    accepted: dict[str, bytes] = {}
    with Service(changed, lambda: NOW) as service, _client(service) as client:
        for body in chosen:
            answer = _post(client, body)
            answers[answer.status_code] += 1
            if answer.status_code == 201:
                accepted[batch_id(body)] = body
            elif answer.status_code not in (200, 202):
                said = answer.json()
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.status_code in (403, 422), said
                assert said["detail"].isprintable()
        honest = batch(sequence="honest")
        assert _post(client, honest).status_code == 201
    with Service(changed, lambda: NOW) as service, _client(service) as client:
        assert client.get("/readyz").status_code == 200
        assert _post(client, honest).status_code == 200
        last = batch(sequence="last")
        assert _post(client, last).status_code == 201
    assert answers[201] > 50, answers
    with Store(f"chdb://{tmp_path}/store") as store:
        expected = truth(*accepted.values(), honest, last)
        assert {table: totals(store)[table] for table in COUNTED} == {
            table: expected[table] for table in COUNTED
        }


def _secret(settings: ServiceSettings, dsn: str) -> Any:
    return type(settings.dsn)(dsn)


def _client(service: Service) -> httpx.Client:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": MEDIA_TYPE}
    return httpx.Client(base_url=service.url, headers=headers, timeout=60)


def _post(client: httpx.Client, body: bytes) -> httpx.Response:
    return client.post("/v1/batches", content=body)
