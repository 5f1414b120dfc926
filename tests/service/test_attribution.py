"""Which platform and which jurisdiction a cell is counted for."""

from typing import Any

import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import Reference
from caudal.service.attribution.exchange import OwnNetworks
from caudal.service.attribution.interpretation import interpret
from caudal.service.indicators import COLUMNS
from caudal.service.ingest import Ingest
from caudal.service.queries import month_facts, months_with_data
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch

# remote ASN, service tag → platform, control, kind of network
CASES: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"remote_asn": 15169}, ("google", "US", "platform")),
    ({"remote_asn": 15169, "service": "netflix"}, ("netflix", "US", "platform")),
    ({"remote_asn": 4200000001, "service": "netflix"}, ("netflix", "US", "")),
    ({"remote_asn": 4200000001}, ("", "", "")),
    ({"remote_asn": 4200000001, "service": "nobody"}, ("nobody", "", "")),
    ({"remote_asn": 0, "folded": True}, ("", "", "")),
    ({"remote_asn": 3356}, ("", "US", "transit")),
    ({"remote_asn": 3356, "service": "nobody"}, ("nobody", "US", "transit")),
]


@pytest.fixture(scope="module")
def cells(store: Store, reference: Reference) -> list[dict[str, Any]]:
    flows = [{**flow, "bytes": 1 << number, "remote_country": "NA"} for number, (flow, _) in enumerate(CASES)]
    body = batch(flows)
    Ingest(store).store_batch(decode_batch(body), body, NOW)
    return list(
        interpret(month_facts(store, "XA", "2026-09"), reference, OwnNetworks("XA")).iter_rows(named=True)
    )


@pytest.mark.parametrize("number", range(len(CASES)))
def test_attribution(cells: list[dict[str, Any]], number: int) -> None:
    [cell] = [cell for cell in cells if cell["bytes"] == 1 << number]
    assert (cell["platform"], cell["control"], cell["network_kind"]) == CASES[number][1]
    assert cell["remote_country"] == "NA"
    assert bool(cell["interpretation_status"]) == bool(cell["control"])


def test_cells_are_what_indicators_read(store: Store, cells: list[dict[str, Any]]) -> None:
    assert set(COLUMNS) <= set(cells[0])
    assert len(cells) == len(CASES)
    assert months_with_data(store, "XA") == ["2026-09"]
    assert months_with_data(store, "UY") == []
    assert month_facts(store, "XA", "2026-10").is_empty()


def test_the_view_of_the_reference_in_force_says_the_same(store: Store, cells: list[dict[str, Any]]) -> None:
    columns = ("toFloat64(bytes)", "platform", "platform_name", "category", "tier", "stage", "network_kind", "control",
               "interpretation_status")  # fmt: skip
    view = store.frame(f"SELECT {', '.join(columns)} FROM flow_attributed_month ORDER BY bytes")
    named = ("bytes", *columns[1:])
    assert view.rows() == sorted(tuple(cell[name] for name in named) for cell in cells)
