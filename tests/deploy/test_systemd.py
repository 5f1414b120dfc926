"""The systemd units: systemd accepts them, they start our commands, and the hardening holds."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import load_settings

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
PROGRAM = "/opt/caudal/bin/caudal"


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#;[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_there_is_one_for_each() -> None:
    assert [unit.name for unit in UNITS] == [
        "caudal-collector.service",
        "caudal-collector@.service",
        "caudal-service.service",
    ]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_it(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    # The program is not installed here; everything else is verified as it stands.
    copy = tmp_path / unit.name.replace("@.", "@second.")
    copy.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in result.stderr.splitlines() if copy.name in line or str(copy) in line]
    assert about_ours == []
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("unit", "command", "file"),
    [
        ("caudal-collector.service", "collect", "collector.toml"),
        ("caudal-service.service", "serve", "service.toml"),
    ],
)
def test_it_starts_a_command_that_exists(unit: str, command: str, file: str) -> None:
    [path] = [each for each in UNITS if each.name == unit]
    assert settings(path)["ExecStart"] == [f"{PROGRAM} {command} --config /etc/caudal/{file}"]
    assert (path.parents[1] / file).is_file()
    result = subprocess.run(
        [sys.executable, "-m", "caudal", command, "--help"],
        env={"PYTHONPATH": str(path.parents[2]), "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "--config" in result.stdout, f"caudal {command} takes no --config"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_is_hardened(unit: Path) -> None:
    have = settings(unit)
    expected = {
        "DynamicUser": "yes",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "CapabilityBoundingSet": "",
        "AmbientCapabilities": "",
        "LimitCORE": "0",
        "Restart": "always",
        "UMask": "0077",
        "StateDirectoryMode": "0700",
    }
    assert {key: have.get(key) for key in expected} == {key: [value] for key, value in expected.items()}


def test_what_the_collector_compiles_has_a_place_of_its_own(tmp_path: Path) -> None:
    """Kernels are compiled at run time, which MemoryDenyWriteExecute forbids, and loaded from there as code."""
    [unit] = [each for each in UNITS if each.name == "caudal-collector.service"]
    have = settings(unit)
    assert "MemoryDenyWriteExecute" not in have
    assert have["CacheDirectory"] == ["caudal-collector"]
    assert have["CacheDirectoryMode"] == ["0700"]
    program = "from caudal.collector.columns.kernel import kept_in; print(kept_in())"
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(unit.parents[2]), "CACHE_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(result.stdout.strip()).is_relative_to(tmp_path)


def test_a_second_collector_differs_in_its_name_alone() -> None:
    first, second = (settings(each) for each in UNITS[:2])
    named = {key: [value.replace("%i", "collector") for value in values] for key, values in second.items()}
    named["StateDirectory"] = named["CacheDirectory"] = ["caudal-collector"]
    assert named == first | {
        "Description": ["Caudal collector collector: meters flow exports, ships aggregates"]
    }


def test_the_token_is_handed_over_by_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that are shipped name no token file, and find the credential; by hand, the file beside them."""
    [unit] = [each for each in UNITS if each.name == "caudal-collector.service"]
    [credential] = settings(unit)["LoadCredential"]
    name, _, source = credential.partition(":")
    config = tmp_path / "collector.toml"
    config.write_text((unit.parents[1] / "collector.toml").read_text())
    assert load_settings(config).service.token_file == tmp_path / "collector.token"
    assert (name, source) == ("token", "/etc/caudal/collector.token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_settings(config).service.token_file == tmp_path / "collector.token", "none was handed over"
    (tmp_path / "token").write_text("0123456789abcdef")
    assert load_settings(config).service.token_file == tmp_path / "token"
    config.write_text(config.read_text().replace("# token_file =", "token_file ="))
    assert load_settings(config).service.token_file == Path("/etc/caudal/collector.token")


def test_the_collector_tells_systemd_how_it_is() -> None:
    [unit] = [each for each in UNITS if each.name == "caudal-collector.service"]
    have = settings(unit)
    assert have["Type"] == ["notify"]
    assert have["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert int(have["WatchdogSec"][0]) >= 10
    # It may close windows, and ship for as long as the settings say, before it is killed.
    assert int(have["TimeoutStopSec"][0]) >= CollectorSettings.model_fields["drain_seconds"].default + 30
