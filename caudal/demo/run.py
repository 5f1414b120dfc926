"""The demonstration: three months of a fictional operator, from exported datagrams to published indicators."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from caudal.common.counted import counted
from caudal.demo.exports.exporter import datagrams
from caudal.demo.exports.sending import Sent, send
from caudal.demo.processes import Deployment
from caudal.demo.traffic import economy
from caudal.demo.traffic.endpoints import address_table, make_endpoints
from caudal.demo.traffic.errors import DemoError
from caudal.demo.traffic.traffic import TrafficModel, months_before, next_month
from caudal.demo.traffic.truth import Truth
from caudal.reference import load_reference

# What a datagram of 1,400 octets takes of a socket's receive buffer on Linux, with as much in reserve.
_BUFFER_PER_DATAGRAM = 2 * 2304
_SMALLEST_WINDOW, _LARGEST_WINDOW = 40, 4096
_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Exported:
    """The datagrams that the routers of the demo sent, and the truth that only the traffic model knows."""

    sent: Sent
    truth: Truth
    months: tuple[date, ...]


def export(
    deployment: Deployment, today: date, months: int, progress: Callable[[int, int], None]
) -> Exported:
    """Send the traffic of the `months` whole months before that of `today` to the collector, as NetFlow v9 and IPFIX.

    `progress` is told the hours of traffic sent and those there are.
    """
    reference = load_reference(economy.REFERENCE_OVERLAY)
    model = TrafficModel(make_endpoints(reference, address_table()), months_before(today, months))
    truth = model.truth()
    hours = 24 * len(model.days())
    window = int(deployment.metric("receive_buffer_bytes")) // _BUFFER_PER_DATAGRAM
    sent = send(
        datagrams(model, truth),
        deployment.exports,
        received=lambda: int(deployment.metric("datagrams_total")),
        window=min(max(window, _SMALLEST_WINDOW), _LARGEST_WINDOW),
        patience_seconds=_PATIENCE_SECONDS,
        progress=lambda hour, _: progress(hour, hours),
    )
    return Exported(sent, truth, model.months)


def answers(deployment: Deployment, exported: Exported) -> dict[str, Any]:
    """Return the answers of the service's API about the demo: indicators by month, total, ledger, and the model's truth."""
    code = economy.ECONOMY
    months = [f"{month:%Y-%m}" for month in exported.months]
    listed = deployment.get("/v1/indicators").json()["indicators"]
    series = [deployment.get(f"/v1/indicators/{each['id']}?economy={code}").json() for each in listed]
    span = f"economy={code}&from={months[0]}&to={months[-1]}"
    # The last records are exported in the first second of the month after.
    after = next_month(exported.months[-1])
    ledger = deployment.get(f"/v1/ledger?economy={code}&from={months[0]}&to={after}").json()
    if ledger["total"]["datagrams"] != exported.sent.datagrams:
        raise DemoError(
            f"{counted(exported.sent.datagrams, 'datagram was', 'datagrams were')} sent and the ledger has {ledger['total']['datagrams']}; "
            f"see the logs in {deployment.directory}"
        )
    total = deployment.get(f"/v1/flows?{span}").json()["total"]
    return {
        "economy": code,
        "synthetic": True,
        "months": months,
        "indicators": [
            {
                "id": one["definition"]["id"],
                "title": one["definition"]["title"]["en"],
                "unit": one["definition"]["unit"],
                "months": one["months"],
            }
            for one in series
        ],
        "total": total,
        "model": {"bytes": int(exported.truth.frame()["true_bytes"].sum())},
        "ledger": {"counts": ledger["total"], "balanced": ledger["balanced"]},
        "datagrams_sent": exported.sent.datagrams,
        "store_bytes": deployment.store_bytes(),
    }
