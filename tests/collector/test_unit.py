"""The unit that a collector runs in is found by its settings file, and `--check` sees secrets as it would."""

import os
from pathlib import Path

import pytest

from caudal.collector.check import check as checking
from caudal.collector.check.unit import Unit, unit_of

from .test_check import _machine, write

__all__ = ["_machine"]
SHIPPED = Path(__file__).parents[2] / "deploy" / "systemd" / "caudal-collector.service"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="what a unit may read is found out by root")


def place(directory: Path, text: str, name: str = "caudal-collector.service") -> Path:
    units = directory / "units"
    units.mkdir(exist_ok=True)
    (units / name).write_text(text)
    return units


def found(config: Path, units: Path) -> Unit:
    unit = unit_of(config, (units,))
    assert unit is not None
    return unit


def test_the_unit_as_shipped(tmp_path: Path) -> None:
    units = place(tmp_path, SHIPPED.read_text())
    unit = found(Path("/etc/caudal/collector.toml"), units)
    assert (unit.name, unit.dynamic) == ("caudal-collector.service", True)
    assert "caudal-collector" in unit.state_directories
    assert unit.who.startswith("a user that systemd makes up")
    assert unit_of(Path("/etc/caudal/other.toml"), (units,)) is None


def test_what_is_dropped_in_and_a_template(tmp_path: Path) -> None:
    text = "[Service]\nUser=caudal\nExecStart=/x/caudal collect --config /etc/caudal/%i.toml\n"
    units = place(tmp_path, text, "caudal-collector@.service")
    (units / "caudal-collector@.service.d").mkdir()
    (units / "caudal-collector@.service.d" / "more.conf").write_text(
        "[Service]\nLoadCredential=token:/etc/caudal/%i.token\nAmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW\n"
        "# LoadCredential=other:/nowhere\n"
    )
    unit = found(Path("/etc/caudal/second.toml"), units)
    assert unit.who == "caudal"
    assert unit.credentials == {"token": Path("/etc/caudal/second.token")}
    assert unit.capabilities == {"CAP_NET_ADMIN", "CAP_NET_RAW"}
    assert unit.behind(Path(f"/run/credentials/{unit.name}/token")) == Path("/etc/caudal/second.token")
    assert unit.behind(Path("/etc/caudal/second.token")) is None


def check_in_unit(monkeypatch: pytest.MonkeyPatch, config: Path, service: str) -> checking.Checked:
    units = place(config.parent, f"[Service]\nExecStart=/x/caudal collect --config {config}\n{service}\n")
    monkeypatch.setattr(checking, "unit_of", lambda path: unit_of(path, (units,)))
    return checking.check(config, offline=True)


@ROOT_ONLY
def test_a_token_that_only_root_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    checked = check_in_unit(monkeypatch, write(tmp_path), "DynamicUser=yes")
    assert any("Checked as root, for caudal-collector.service" in line for line in checked.plan)
    assert any(
        "service.token_file: root may read" in line and "LoadCredential=" in line for line in checked.unusable
    )
    assert any("state_directory: a user that systemd makes up" in line for line in checked.unusable)


@ROOT_ONLY
@pytest.mark.parametrize("there", [True, False])
def test_a_token_that_systemd_hands_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    path = write(tmp_path, token_file='"/run/credentials/caudal-collector.service/token"')
    if not there:
        (tmp_path / "token").unlink()
    checked = check_in_unit(monkeypatch, path, f"LoadCredential=token:{tmp_path}/token")
    if there:
        assert checked.unusable == []
    else:
        assert any(
            f"hand {tmp_path}/token to caudal-collector.service, and it is not there" in line
            for line in checked.unusable
        )


@ROOT_ONLY
def test_a_token_that_nobody_names_is_the_one_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    kept = [each for each in path.read_text().splitlines() if not each.startswith("token_file")]
    path.write_text("\n".join(kept))
    token = path.with_suffix(".token")
    token.write_text("token-of-the-collector")
    token.chmod(0o600)
    handed = check_in_unit(monkeypatch, path, f"DynamicUser=yes\nLoadCredential=token:{token}")
    assert not any("token_file" in line for line in handed.unusable), handed.unusable
    alone = check_in_unit(monkeypatch, path, "DynamicUser=yes")
    assert any("root may read" in line for line in alone.unusable)


@ROOT_ONLY
def test_a_credential_that_the_unit_does_not_ask_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, token_file='"/run/credentials/caudal-collector.service/token"')
    checked = check_in_unit(monkeypatch, path, "")
    assert any("is not handed a credential" in line for line in checked.unusable)


@ROOT_ONLY
def test_the_buffer_by_the_capabilities_of_the_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, receive_buffer_bytes="67108864")
    assert any("rmem_max" in line for line in check_in_unit(monkeypatch, path, "").wrong)
    capable = check_in_unit(monkeypatch, path, "AmbientCapabilities=CAP_NET_ADMIN")
    assert not any("rmem_max" in line for line in capable.wrong)
