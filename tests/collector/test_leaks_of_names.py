"""Names planted in captured packets are searched for in everything that a collector writes, in every form."""

import logging
from collections.abc import Callable, Sequence

import httpx
import pytest
from scapy.packet import Packet

from caudal.collector.daemon.statussocket import ask
from caudal.collector.settings.settings import CollectorSettings
from tests.support.patience import PATIENCE_SECONDS, wait_until
from tests.support.planted import as_written, forms_of_address, forms_of_name, found_in

from .capture.test_livecapture import NEEDS, pair, send
from .test_leaks import files
from .test_run import StandIn, _often, service, settings
from .test_run_interfaces import AKAMAI, CLOUDFLARE, HOME, PLANTED, RESOLVER, at_rest, running, traffic

__all__ = ["_often", "pair", "send", "service", "settings"]  # fixtures

FORMS = {form for name in ("netflix", "spotify") for form in forms_of_name(f"{PLANTED}.{name}.com")}
FORMS |= {PLANTED.encode(), PLANTED.encode().hex().encode()}
FORMS |= {form for address in (HOME, RESOLVER, CLOUDFLARE, AKAMAI) for form in forms_of_address(address)}


@NEEDS
def test_no_name_is_in_anything_that_is_written(
    settings: CollectorSettings,
    service: StandIn,
    pair: tuple[str, str],
    send: Callable[[Sequence[Packet]], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "numba")
    caplog.set_level(logging.DEBUG)
    service.failing = True
    interface = {"name": pair[0], "exporter": "mirror-1", "buffer_bytes": 4 << 20}
    chosen = CollectorSettings.model_validate(
        {**settings.model_dump(), "interfaces": [interface], "window_seconds": 3600, "drain_seconds": 0.05}
    )
    packets = traffic()
    with running(chosen):
        at_rest()
        send(packets)
        wait_until(lambda: ask(settings.state_directory)["ledger"]["datagrams"] == len(packets))
        outputs = {
            "metrics": httpx.get(
                f"http://{settings.metrics_listen}/metrics", trust_env=False, timeout=PATIENCE_SECONDS
            ).content,
            "status": as_written(ask(settings.state_directory)),
        }
    outputs |= files(settings.state_directory)
    outputs["log"] = caplog.text.encode() + as_written([record.__dict__ for record in caplog.records])
    batches = [content for name, content in outputs.items() if name.endswith(".batch")]
    assert b"netflix" in b"".join(batches), "the platform leaves, by its id"
    assert {name: found for name, content in outputs.items() if (found := found_in(content, FORMS))} == {}
