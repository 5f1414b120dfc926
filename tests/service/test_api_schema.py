"""Requests made up from the OpenAPI document: no answer may be a failure, or one that is not documented."""

from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from caudal.contract.batch import MEDIA_TYPE, decode_batch
from caudal.service.api.server import Service
from caudal.service.ingest import Ingest
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW, random_batch

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer(MEDIA_TYPE)
def arrow(_: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def api(settings: ServiceSettings, store: Store) -> Iterator[schemathesis.schemas.BaseSchema]:
    body = random_batch(1, rows=300)
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    with Service(settings, lambda: NOW) as service:
        document = httpx.get(f"{service.url}/openapi.json", timeout=PATIENCE_SECONDS).json()
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=service.url)
        yield schema


def test_any_request(api: schemathesis.schemas.BaseSchema) -> None:
    operations = [result.ok() for result in api.get_all_operations()]
    assert len(operations) == 38
    for operation in operations:

        @given(case=operation.as_strategy())
        @hypothesis_settings(
            max_examples=10,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
        )
        def answer(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS, timeout=PATIENCE_SECONDS)

        answer()
