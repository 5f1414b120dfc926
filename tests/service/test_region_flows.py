"""What an economy exchanges within its region rests on who else reports there (P3), and is kept with a vintage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import Reference
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.ingest import Ingest
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.settings.settings import ConfidentialitySettings, ServiceSettings
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch

from .conftest import clear

MONTH = "2026-09"
P3 = (CATALOGUE["P3"],)
UY: dict[str, Any] = {"collector": "uy-1", "operator": "uy-net", "economy": "UY", "synthetic": False}


def receive(store: Store, *rows: tuple[str, int], **origin: Any) -> None:
    """Store a batch of flows to (country, bytes); a country in brackets was an anycast address."""
    flows = [
        {
            "remote_country": country.strip("()"),
            "location_rung": "anycast" if country.startswith("(") else "operator",
            "bytes": size,
            "flows": 200,
        }
        for country, size in rows
    ]
    body = batch(flows, **origin)
    Ingest(store).store_batch(decode_batch(body), body, NOW)


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """XA exchanges 600 with the US and 400 with BR."""
    receive(store, ("US", 600), ("BR", 400))
    yield store
    clear(store)
    for table in ("vintage", "indicator_value", "vintage_cell", "vintage_input", "reference_file"):
        store.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def measures(settings: ServiceSettings, filled: Store, reference: Reference) -> Measures:
    # UY is metered, and no neighbour of what is made up unless nothing of it is confidential.
    open_to_all = settings.model_copy(
        update={"confidentiality": ConfidentialitySettings(minimum_operators=1, percent=0)}
    )
    return Measures(open_to_all, filled, reference, lambda: NOW)


def test_what_is_protected_is_no_neighbour_of_what_is_made_up(
    settings: ServiceSettings, filled: Store, reference: Reference
) -> None:
    """Whoever asked for XA's running month again and again would see UY's grow, batch by batch."""
    receive(filled, ("BR", 500), **UY)
    measures = Measures(settings, filled, reference, lambda: NOW)
    assert measures.protected("UY")
    assert measures.region_flows("XA", MONTH) is None


def integration(measures: Measures, economy: str = "XA") -> dict[str | None, Observation]:
    return {each.dimension: each for each in measures.compute(economy, MONTH, P3).observations["P3"]}


def test_alone_in_its_region_an_economy_answers_for_itself(measures: Measures) -> None:
    found = integration(measures)
    assert found["economy"].value == pytest.approx(0.4)
    assert found["region"].value is None
    assert found["region"].reason is not None
    assert "none of them reports here" in found["region"].reason


def test_the_region_is_what_its_members_exchange(filled: Store, measures: Measures) -> None:
    """UY exchanges 300 with BR, 100 with XA, 100 with the US; what stays in UY, or is anycast, is not in the share.

    (400 + 300 + 100) / (1000 + 500).
    """
    before = measures.state("XA", [MONTH])
    receive(filled, ("BR", 300), ("XA", 100), ("US", 100), ("UY", 9000), ("(BR)", 50), sequence="2", **UY)
    found = integration(measures)
    assert found["economy"].value == pytest.approx(0.4)
    region = found["region"]
    assert region.value == pytest.approx(800 / 1500)
    assert region.details["members_reporting"] == 2
    assert region.details["location_unknown"] == pytest.approx(50 / 1550)
    assert measures.state("XA", [MONTH]) != before


def test_made_up_traffic_is_no_neighbour_of_metered(filled: Store, measures: Measures) -> None:
    receive(filled, ("BR", 300), ("US", 100), sequence="2", **UY)
    assert integration(measures, "UY")["region"].value is None


def test_what_is_not_of_the_region_or_the_month_is_left_out(filled: Store, measures: Measures) -> None:
    receive(filled, ("BR", 300), sequence="2", **{**UY, "economy": "US"})
    assert measures.region_flows("XA", MONTH) is None
    receive(filled, ("BR", 300), sequence="3", **UY)
    assert measures.region_flows("XA", "2026-08") is None
    assert measures.region_flows("XA", MONTH) is not None


def test_a_vintage_is_recomputed_with_the_neighbours_of_then(
    filled: Store, measures: Measures, reference: Reference, overlay: Path
) -> None:
    vintages = Vintages(filled, reference, measures, lambda: NOW, overlay)
    receive(filled, ("BR", 300), ("US", 200), sequence="2", **UY)
    assert vintages.publish("XA", MONTH) is not None
    receive(filled, ("BR", 5000), sequence="3", **UY)
    again = vintages.recompute("XA-2026-09-v1")
    assert again.differences == ()
    assert integration(measures)["region"].value == pytest.approx(5700 / 6500)
    second = vintages.publish("XA", MONTH, "a neighbour reported more")
    assert second is not None
    values = {
        number: {
            each.dimension: each.value
            for found in [measures.published("XA", MONTH, f"XA-2026-09-v{number}")]
            if found is not None
            for each in found.observations["P3"]
        }
        for number in (1, 2)
    }
    assert values[1]["region"] == pytest.approx(700 / 1500)
    assert values[2]["region"] == pytest.approx(5700 / 6500)
    assert vintages.recompute("XA-2026-09-v1").same and vintages.recompute("XA-2026-09-v2").same
