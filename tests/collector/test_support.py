"""The file for those who help: what is in it, running or stopped, and that neither addresses nor names are."""

import json
import logging
import time
from pathlib import Path

import pytest

from caudal.collector.exporters.pseudonym import pseudonym, read_or_make_key
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.support.support import support
from caudal.commands.supportfile import write_support
from tests.support.patience import wait_until
from tests.support.planted import forms_of_address, forms_of_name, found_in

from .test_leaks import EXPORTER, PLANTED, exports
from .test_run import StandIn, _often, metric, running, send, service, settings

__all__ = ["_often", "service", "settings"]  # fixtures

NAMES = ("zorzal-1", "quebracho-net", "tucura-core", "tucura-mirror", "yarara.example")
HOMES = ("198.18.0.0", "2001:2::")
FORMS = {form for address in (*PLANTED, *HOMES, "192.0.2.77") for form in forms_of_address(address)}
FORMS |= {form for name in NAMES for form in forms_of_name(name)} | {b"tucura", b"TUCURA", b"quebracho"}
FORMS -= forms_of_address(HOMES[1]) & {b"2001:2", b"0000"}


@pytest.fixture
def planted(settings: CollectorSettings) -> CollectorSettings:
    """Settings that name everything that can be named."""
    exporters = {
        EXPORTER: {"name": "tucura-core", "sampling": 512, "external": [3, 4]},
        "192.0.2.77": {"name": "tucura-mirror"},
        "192.0.2.64/26": {"sampling": 64},
    }
    return CollectorSettings.model_validate(
        settings.model_dump()
        | {
            "collector": "zorzal-1",
            "operator": "quebracho-net",
            "exporters": exporters,
            "drain_seconds": 0.05,
        }
    )


def test_of_a_collector_at_work(
    planted: CollectorSettings, service: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "numba")
    service.failing = True
    now = int(time.time())
    state = planted.state_directory / "exporters.state"
    with running(planted.model_copy(update={"k_anonymity": 5})):
        for sequence in range(3):
            send(planted, *exports(now, sequence), source=EXPORTER)
        wait_until(lambda: metric(planted, "datagrams_total") == 3 * len(exports(now, 0)))
        wait_until(state.exists)
        logging.getLogger("caudal.test").error("tucura-core at %s: yarara.example said no", EXPORTER)
        found = support(planted)
    text = json.dumps(found, indent=1)
    assert found["not_to_be_had"] == []
    key = (planted.state_directory / "pseudonym.key").read_bytes()
    who = pseudonym(key, EXPORTER)
    (seen,) = (each for each in found["status"]["exporters"] if each["counts"])
    assert (seen["name"], seen["configured"]) == (who, True)
    assert {sign["exporter"] for sign in seen["signs"]} == {who}
    assert found["status"]["attention"]["summary"].startswith(f"1 of 2 routers needs attention: {who} (")
    assert found["status"]["ledger"]["datagrams"] == 3 * len(exports(now, 0))
    (layouts,) = (points for name, points in found["templates"].items() if name == who)
    elements = {
        tuple(each["elements"])
        for point in layouts
        for each in point["templates"].values()
        if not each["options"]
    }
    assert ("8[4]", "12[4]", "1[4]", "2[4]", "48[1]") in elements
    assert found["status"]["log"][-1]["line"] == f"{who} at <address>: <name> said no"
    assert found["settings"]["exporters"][0]["exporter"] == who
    assert found_in(text.encode(), FORMS) == []
    assert "token-of-xa-1" not in text
    assert str(planted.state_directory) not in text


def test_of_a_collector_that_is_stopped(planted: CollectorSettings, service: StandIn) -> None:
    """Settings, machine, spool and templates can be had; and it is said what cannot."""
    service.failing = True
    with running(planted):
        send(planted, *exports(int(time.time()), 0), source=EXPORTER)
        wait_until(lambda: metric(planted, "datagrams_total") == len(exports(0, 0)))
    found = support(planted)
    assert found["status"] is None
    assert [each.partition(":")[0] for each in found["not_to_be_had"]] == ["status and counters"]
    assert found["spool"]["collector_runs"] is False
    assert found["spool"]["batches"] >= 1
    assert len(found["templates"]) == 1
    assert found_in(json.dumps(found).encode(), FORMS) == []


def test_of_one_that_never_ran(planted: CollectorSettings) -> None:
    found = support(planted)
    assert {each.partition(":")[0] for each in found["not_to_be_had"]} >= {
        "the key of pseudonyms",
        "status and counters",
        "templates",
    }
    assert not planted.state_directory.exists(), "looking leaves nothing behind"
    assert found_in(json.dumps(found).encode(), FORMS) == []


def test_settings_are_told_without_what_they_name(planted: CollectorSettings) -> None:
    settings = CollectorSettings.model_validate(
        planted.model_dump(exclude_unset=True)
        | {
            "listen": ["0.0.0.0:2055", "[::1]:2056", "192.0.2.77:2057", "yarara.example:2058"],
            "allow": ["192.0.2.77/32", "192.0.2.64/26"],
            "metrics_listen": "127.0.0.1:9467",
            "locations": Path("/home/tucura/locations.csv"),
            "geofeeds": [Path("/home/tucura/one.csv"), Path("/home/tucura/two.csv")],
            "interfaces": [{"name": "tucura0", "filter": "host 192.0.2.77", "exporter": "tucura-mirror"}],
            "service": planted.service.model_dump()
            | {
                "url": "https://tucura:quebracho@yarara.example:8443/there",
                "ca_file": Path("/home/tucura/ca.pem"),
            },
        }
    )
    found = support(settings)
    told = found["settings"]
    assert found_in(json.dumps(found).encode(), FORMS) == []
    assert told["listen"] == [
        "any IPv4, port 2055",
        "loopback IPv6, port 2056",
        "one IPv4, port 2057",
        "a name, port 2058",
    ]
    assert told["home"] == {"IPv4 /16": 1, "IPv6 /48": 1}
    assert told["allow"] == {"IPv4 /32": 1, "IPv4 /26": 1}
    assert (told["locations"], told["geofeeds"], told["window_seconds"]) == (True, 2, 300)
    assert told["service"] == {
        "scheme": "https",
        "port_given": True,
        "path_given": True,
        "user_given": True,
        "ca_file": True,
        "client_certificate": False,
    }
    assert [each["exporter"][:9] for each in told["exporters"]] == ["exporter-", "exporter-", "prefix /2"]
    assert (told["exporters"][0]["sampling"], told["exporters"][0]["external"]) == (512, 2)
    assert set(CollectorSettings.model_fields) == told.keys(), "a new setting is told as set or not"
    assert told["collector"] == {"set": True}


def test_what_is_kept_and_cannot_be_read(planted: CollectorSettings) -> None:
    directory = planted.state_directory
    read_or_make_key(directory / "pseudonym.key")
    for content in (b"no head", b"", bytes(range(256))):
        (directory / "exporters.state").write_bytes(content)
        found = support(planted)
        assert found["templates"] is None
        assert "templates: it has no head" in found["not_to_be_had"]
        assert (directory / "exporters.state").read_bytes() == content, (
            "it is the collector's to set it aside"
        )


def test_the_file_is_its_owners_and_never_one_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_support({"made": "now"}, wall=0)
    assert path.name == "caudal-support-19700101T000000Z.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"made": "now"}
    with pytest.raises(
        Exception, match=r"^caudal-support-.* cannot be written: File exists; give another file with -o$"
    ):
        write_support({}, wall=0)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
