"""The example configurations load with the loaders of service and collector, and fit each other."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import load_settings as load_collector
from caudal.service.settings.doorsettings import DoorSettings
from caudal.service.settings.settings import ServiceSettings
from caudal.service.settings.settings import load_settings as load_service

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # As compose.yaml sets it; over a file with a DSN of its own it would hide that one.
    monkeypatch.delenv("CAUDAL_SERVICE_DSN", raising=False)


def compose_service(monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("CAUDAL_SERVICE_DSN", "clickhouse://caudal:0123@clickhouse:8123/caudal")
    return load_service(DEPLOY / "compose" / "service.toml")


def fit(service: ServiceSettings, collector: CollectorSettings) -> None:
    [known] = [each for each in service.collectors if each.id == collector.collector]
    assert known.operator == collector.operator
    assert service.operator(known.operator).economy == collector.economy


def test_on_machines_of_their_own() -> None:
    service, collector = load_service(DEPLOY / "service.toml"), load_collector(DEPLOY / "collector.toml")
    fit(service, collector)
    assert service.listen.startswith("127.0.0.1:")
    assert collector.service.url.startswith("https://")
    assert not collector.synthetic
    assert service.dsn.get_secret_value() == "chdb:///var/lib/caudal/store"


def test_under_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    service = compose_service(monkeypatch)
    collector = load_collector(DEPLOY / "compose" / "collector.toml")
    fit(service, collector)
    assert collector.service.url == f"http://service:{service.port}"
    assert service.dsn.get_secret_value().startswith("clickhouse://")
    # The service reads a copy (compose.yaml), the collector the secret itself.
    assert service.collectors[0].token_file == Path("/tmp/tokens") / collector.service.token_file.name
    assert service.admin_token_file == Path("/tmp/tokens/admin_token")


@pytest.mark.parametrize(
    ("file", "model"), [("collector.toml", CollectorSettings), ("service.toml", ServiceSettings)]
)
def test_every_setting_is_shown(file: str, model: type[CollectorSettings | ServiceSettings]) -> None:
    text = (DEPLOY / file).read_text()
    missing = [name for name in model.model_fields if name not in text]
    assert missing == [], f"deploy/{file} does not show them"
    tables = [each for field in model.model_fields.values() for each in models(field.annotation)]
    missing = [
        name
        for table in tables
        for name in table.model_fields
        if not re.search(rf"\b{name} *=|^\[+\w+\.{name}\]", text, re.MULTILINE)
    ]
    assert missing == [], f"deploy/{file} does not show them"


def test_a_default_that_is_shown_is_the_default() -> None:
    door = (DEPLOY / "service.toml").read_text().partition("[door]\n")[2].partition("\n[")[0]
    shown = tomllib.loads("\n".join(re.findall(r"^(?:# )?(\w+ = [^\[\n]+)$", door, re.MULTILINE)))
    defaults = DoorSettings().model_dump()
    assert shown == {name: value for name, value in defaults.items() if name in shown}
    assert len(shown) == len(defaults) - len(("allowed_hosts", "trusted_proxies"))


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a setting is made of, and those within them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(annotation):
        yield from models(part)
