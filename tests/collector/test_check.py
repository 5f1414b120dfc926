"""What `--check` finds in settings."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from caudal.collector.check import machine
from caudal.collector.check.check import Checked
from caudal.collector.check.check import check as check_all
from caudal.collector.memory.statelock import StateLock

from .capture.test_livecapture import NEEDS

GOOD = {
    "collector": '"uy-1"',
    "operator": '"uy-net"',
    "economy": '"UY"',
    "home": '["167.56.0.0/16", "2800:a0::/32"]',
    "allow": '["10.0.0.0/24"]',
    "listen": '["127.0.0.1:{port}"]',
    "state_directory": '"state"',
    "spool_max_bytes": "1048576",
    "receive_buffer_bytes": "8388608",
}
SERVICE = {"url": '"https://localhost:1"', "token_file": '"token"'}
EXPORTERS = '"10.0.0.1" = { name = "core-1", sampling = 1000 }\n"10.0.0.2" = { name = "core-2" }\n'


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "rmem_max").write_text("33554432\n")
    monkeypatch.setattr(machine, "_RMEM_MAX", tmp_path / "rmem_max")
    monkeypatch.setattr(machine, "may_force_buffer", lambda: False)
    monkeypatch.setattr(machine, "_MEMORY_FILE_SYSTEMS", frozenset())


def check(config: Path) -> Checked:
    """Check without the service, of which tests/collector/test_servicecheck.py has more."""
    return check_all(config, offline=True)


def write(directory: Path, exporters: str = EXPORTERS, token: str = "a" * 40, **changes: str | None) -> Path:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    of_service = {name for name in changes if name in SERVICE or name.startswith("client_")}
    values: dict[str, str | None] = {**GOOD, **{k: v for k, v in changes.items() if k not in of_service}}
    service = {**SERVICE, **{k: v for k, v in changes.items() if k in of_service}}
    lines = [f"{name} = {value.format(port=port)}" for name, value in values.items() if value is not None]
    lines += [
        "[service]",
        *(f"{name} = {value}" for name, value in service.items()),
        "[exporters]",
        exporters,
    ]
    (directory / "token").write_text(token)
    (directory / "token").chmod(0o600)
    path = directory / "collector.toml"
    path.write_text("\n".join(lines))
    return path


def test_nothing_looks_wrong(tmp_path: Path) -> None:
    checked = check(write(tmp_path))
    assert (checked.wrong, checked.unusable, checked.exit_code) == ([], [], 0)
    plan = "\n".join(checked.plan)
    for said in (
        "uy-1",
        "UY",
        "167.56.0.0/16",
        "2 exporters: 2 by name, 1 with a sampling rate",
        "state/spool",
    ):
        assert said in plan
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"home": '["0.0.0.0/0", "2800:a0::/32"]'}, "home: 0.0.0.0/0 is the default route"),
        ({"home": '["164.0.0.0/6", "::/0"]'}, "home: ::/0 is the default route"),
        ({"home": '["128.0.0.0/2", "2800:a0::/32"]'}, "home: 128.0.0.0/2 is more than one network has"),
        ({"home": '["127.0.0.0/8", "2800:a0::/32"]'}, "home: 127.0.0.0/8 is no prefix that subscribers have"),
        ({"home": '["203.0.113.0/24", "2800:a0::/32"]'}, "home: 203.0.113.0/24 is for documentation"),
        ({"home": '["167.56.0.0/16", "167.56.3.0/24", "2800:a0::/32"]'}, "home: 167.56.3.0/24 is in 167.56.0.0/16"),
        ({"home": '["167.56.0.0/16"]'}, "home: no IPv6 prefix"),
        ({"economy": '"AR"'}, "home: 167.56.0.0/16 is in UY by the address tables"),
        ({"listen": '["0.0.0.0:{port}"]', "allow": None}, "listen: 0.0.0.0:"),
        ({"listen": '["[::]:{port}"]', "allow": None}, "takes exports from anybody"),
        ({"listen": '["127.0.0.1:{port}", "127.0.0.1:{port}"]'}, "is listed 2 times"),
        ({"listen": '["127.0.0.1:0"]'}, "listen: 127.0.0.1:0 has port 0"),
        ({"metrics_listen": '"0.0.0.0:9467"'}, "metrics_listen: 0.0.0.0:9467 shows metrics to anybody"),
        ({"receive_buffer_bytes": "65536"}, "receive_buffer_bytes: 65536 is little"),
        ({"receive_buffer_bytes": "67108864"}, "the kernel grants 33554432 of the 67108864 asked for"),
        ({"spool_max_bytes": str(1 << 60)}, "spool_max_bytes: "),
        ({"window_seconds": "3600"}, "window_seconds: 3600 is unusual"),
        ({"lateness_seconds": "300"}, "lateness_seconds: 300 is as long as a window"),
        ({"idle_seconds": "0.5"}, "idle_seconds: 0.5 closes windows at every pause"),
        ({"k_anonymity": "1"}, "k_anonymity: 1 folds nothing"),
        ({"k_anonymity": "3"}, "k_anonymity: 3 is less than the 5"),
        ({"k_anonymity": "50"}, "k_anonymity: 50 folds much"),
        ({"url": '"http://192.0.2.1:8080"'}, "service.url: http://192.0.2.1 is not encrypted"),
        ({"url": '"https://caudal.invalid"'}, "service.url: caudal.invalid cannot be resolved now"),
        ({"url": '"https://user:word@localhost"'}, "service.url: it holds a user or password"),
        ({"url": '"https://localhost/api"'}, "batches go to /api/v1/batches"),
        ({"token": "short"}, "service.token_file: the token is shorter than"),
        ({"economy": '"QQ"'}, "economy: "),
        ({"synthetic": "true"}, "synthetic: UY is a real economy"),
        ({"exporters": '"10.0.0.1" = { name = "a" }\n"10.0.0.2" = { name = "a" }'}, "exporters: 2 have the name a"),
        ({"exporters": '"10.0.0.1" = { sampling = 1000000 }'}, "samples 1 in 1e+06"),
        ({"exporters": '"10.0.0.1" = {}'}, "exporters: nothing is said of 10.0.0.1"),
        ({"exporters": '"10.9.0.1" = { name = "far" }'}, "exporters: far is not in `allow`"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_looks_wrong(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    checked = check(write(tmp_path, **changes))
    assert checked.exit_code == 1, checked.unusable
    assert any(says in line for line in checked.wrong), checked.wrong
    assert all("\n" not in line for line in checked.wrong)


def test_a_prefix_of_exporters_that_is_partly_allowed_is_fine(tmp_path: Path) -> None:
    exporters = '"10.0.0.0/16" = { sampling = 100 }\n"10.0.0.64/26" = { sampling = 200 }'
    assert check(write(tmp_path, exporters=exporters)).wrong == []


def test_without_an_address_to_listen_on(tmp_path: Path) -> None:
    path = write(tmp_path, listen="[]", allow=None, exporters='[[interfaces]]\nname = "lo"')
    checked = check(path)
    assert "It listens on no address." in checked.plan
    assert not any(line.startswith("listen") for line in checked.wrong + checked.unusable)


def test_http_to_this_machine_is_fine(tmp_path: Path) -> None:
    assert check(write(tmp_path, url='"http://127.0.0.1:8080"')).exit_code == 0


def test_a_token_for_everybody(tmp_path: Path) -> None:
    config = write(tmp_path)
    (tmp_path / "token").chmod(0o644)
    (line,) = check(config).wrong
    assert line.startswith("service.token_file: everybody on this machine may read ")


def test_a_state_directory_that_others_may_look_into(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o755)
    (line,) = check(write(tmp_path)).wrong
    assert line.startswith("state_directory: others may look into ")


def test_a_state_directory_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_MEMORY_FILE_SYSTEMS", {machine._file_system(tmp_path)})
    (line,) = check(write(tmp_path)).wrong
    assert line.startswith("state_directory: ")
    assert "in memory" in line


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"collector": None}, "collector: is missing"),
        ({"token": ""}, "service.token_file: "),
        ({"listen": '["203.0.113.77:2055"]'}, "listen: 203.0.113.77:2055: Cannot assign"),
        ({"listen": '["no-such-host.invalid:2055"]'}, "is no address of this machine"),
        ({"locations": '"nothing.csv"'}, "nothing.csv cannot be read"),
        ({"client_certificate": '"nothing.pem"'}, "service.client_certificate: "),
        ({"state_directory": '"collector.toml/state"'}, "state_directory: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_unusable(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    checked = check(write(tmp_path, **changes))
    assert checked.exit_code == 2
    assert any(says in line for line in checked.unusable), checked.unusable


def test_beside_one_that_runs(tmp_path: Path) -> None:
    """The address it listens on is taken, as it must be."""
    with StateLock(tmp_path / "state"), socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        config = write(tmp_path, listen=f'["127.0.0.1:{taken.getsockname()[1]}"]')
        checked = check(config)
        assert (checked.unusable, checked.exit_code) == ([], 0)
        assert f"(process {os.getpid()})" in checked.plan[-1]
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        config = write(tmp_path, listen=f'["127.0.0.1:{taken.getsockname()[1]}"]')
        assert "Address already in use" in check(config).unusable[0]


@NEEDS
def test_interfaces_are_tried(tmp_path: Path) -> None:
    listed = EXPORTERS + '[[interfaces]]\nname = "nowhere0"\n[[interfaces]]\nname = "lo"\nfilter = "udp"\n'
    checked = check(write(tmp_path, listed))
    assert checked.exit_code == 2
    [problem] = checked.unusable
    assert problem.startswith("interfaces: cannot capture on nowhere0: ")
    assert [line for line in checked.wrong if line.startswith("interfaces: lo ")]
    assert "It meters packets that fit 'udp' on lo; their platform is found by names." in checked.plan
