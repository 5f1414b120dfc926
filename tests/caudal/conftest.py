"""What the tests of the demo share: the reference with XA in it, the address table, the endpoints."""

from datetime import date

import pytest

from caudal.demo.traffic.economy import REFERENCE_OVERLAY
from caudal.demo.traffic.endpoints import Endpoint, address_table, make_endpoints
from caudal.demo.traffic.traffic import TrafficModel, months_before
from caudal.reference import AddressTable, Reference, load_reference

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def demo_reference() -> Reference:
    return load_reference(REFERENCE_OVERLAY)


@pytest.fixture(scope="session")
def demo_table() -> AddressTable:
    return address_table()


@pytest.fixture(scope="session")
def demo_endpoints(demo_reference: Reference, demo_table: AddressTable) -> list[Endpoint]:
    return make_endpoints(demo_reference, demo_table)


@pytest.fixture(scope="session")
def small_model(demo_endpoints: list[Endpoint]) -> TrafficModel:
    """One month at a fortieth of the demo's rate."""
    return TrafficModel(demo_endpoints, months_before(TODAY, 1), seed=7, records_per_hour=60)


@pytest.fixture(autouse=True)
def dumps_stay_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in the tests' own process must not forbid it dumps for good: test_leaks.py wants them allowed."""
    monkeypatch.setattr("caudal.commands.capturecli.forbid_core_dumps", lambda: None)
