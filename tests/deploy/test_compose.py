"""The compose file: it parses, what it names exists, and secrets stay in their files."""

import os
import re
import subprocess
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from caudal.dashboards.clickhouse import PLUGIN_ID, PLUGIN_VERSION
from caudal.dashboards.publish import FOLDER_TITLE, FOLDER_UID

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TOKENS = ("collector_token", "admin_token")
FILES = [*DEPLOY.rglob("*.yaml"), *DEPLOY.rglob("*.yml")]


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    return [tuple(volume.split(":")[:2]) for volume in service.get("volumes", [])]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(DEPLOY)))
def test_yaml_parses(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text()), dict)


def test_the_parts_are_there() -> None:
    assert set(SERVICES) == {"clickhouse", "service", "collector", "grafana", "prometheus"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        dockerfile = ROOT / service["build"]["dockerfile"]
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
        bases = re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE)
        assert bases
        assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)
    else:
        assert re.search(r":v?\d+\.\d+", service["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for source, _ in mounts(SERVICES[name]):
        if source.startswith("."):
            assert (DEPLOY / source).resolve().is_file(), source
        else:
            assert source in COMPOSE["volumes"]
    for secret in SERVICES[name].get("secrets", []):
        assert secret in COMPOSE["secrets"]
    for other in SERVICES[name].get("depends_on", {}):
        assert "healthcheck" in SERVICES[other]


def test_scripts_that_containers_run_can_be_run() -> None:
    for script in ("make-secrets", "compose/clickhouse/start", "compose/clickhouse/grafana-user.sh"):
        assert os.access(DEPLOY / script, os.X_OK), script
        shell = (DEPLOY / script).read_text().splitlines()[0].removeprefix("#!")
        subprocess.run([shell, "-n", str(DEPLOY / script)], check=True)


def test_make_secrets_makes_every_secret_once(tmp_path: Path) -> None:
    def make() -> dict[str, str]:
        subprocess.run([str(DEPLOY / "make-secrets"), str(tmp_path / "s")], check=True, capture_output=True)
        return {file.name: file.read_text() for file in (tmp_path / "s").iterdir()}

    made = make()
    assert set(made) == set(COMPOSE["secrets"])
    assert {f"./secrets/{name}" for name in made} == {s["file"] for s in COMPOSE["secrets"].values()}
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in made.values())
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert make() == made


def test_secrets_are_not_committed() -> None:
    assert "secrets/" in (DEPLOY / ".gitignore").read_text().split()


def test_no_environment_holds_a_secret() -> None:
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET", key):
                assert str(value).startswith("/run/secrets/"), key


def test_only_the_collector_is_open_to_the_network() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") or (name, port) == ("collector", "2055:2055/udp")


def test_our_containers_may_do_little() -> None:
    for name in ("service", "collector"):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["ulimits"]["core"] == 0
    assert re.search(r"^USER \d+:\d+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)


def test_what_the_collector_compiles_has_a_place_of_its_own() -> None:
    """The file system is read-only and the user has no home: without the volume each start compiles anew."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    place = re.search(r"^ +CACHE_DIRECTORY=(\S+)$", dockerfile, re.MULTILINE)[1]
    assert re.search(rf"install -d -m 0700 -o caudal .*{place}$", dockerfile, re.MULTILINE)
    assert place in [target for _, target in mounts(SERVICES["collector"])]


def test_the_image_gets_every_package_and_the_hashes() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for name in ("caudal", "collector", "dashboards", "reference", "service", "requirements"):
        assert f"COPY {name} {name}\n" in dockerfile
        assert f"!{name}" in kept
    for name in re.search(r"^COPY (.*) \./$", dockerfile, re.MULTILINE)[1].split():
        assert f"!{name}" in kept
    assert "--require-hashes --requirement requirements/service.txt" in dockerfile


def test_the_dsn_is_put_together_from_the_secret(tmp_path: Path) -> None:
    """The very command of compose.yaml, with its files and `caudal` replaced, in the same kind of shell."""
    service = SERVICES["service"]
    assert service["entrypoint"] == ["/bin/sh", "-c"]
    [command] = service["command"]
    for name, content in (("clickhouse_password", "0123abcd"), *((each, each) for each in TOKENS)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o444)
    command = (
        command.replace("$$", "$")
        .replace("/run/secrets", str(tmp_path))
        .replace("/tmp/tokens", str(tmp_path / "tokens"))
        .replace("exec caudal", "exec env #")
    )
    for _ in range(2):  # a container that is started again may find what it had copied
        out = subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, text=True).stdout
        assert "CAUDAL_SERVICE_DSN=clickhouse://caudal:0123abcd@clickhouse:8123/caudal" in out.splitlines()
    for name in TOKENS:
        copy = tmp_path / "tokens" / name
        assert (copy.read_text(), copy.stat().st_mode & 0o777) == (name, 0o400)
        assert name in service["secrets"]
    assert (tmp_path / "tokens").stat().st_mode & 0o777 == 0o700


def test_prometheus_may_read_the_metrics_of_the_service() -> None:
    settings = tomllib.loads((DEPLOY / "compose/service.toml").read_text())
    address = ip_address(SERVICES["prometheus"]["networks"]["default"]["ipv4_address"])
    assert any(address in ip_network(each) for each in settings["metrics_from"])
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert address in ip_network(network["subnet"])
    # Not so the gateway, from where whatever comes through a published port seems to come.
    gateway = next(ip_network(network["subnet"]).hosts())
    assert not any(gateway in ip_network(each) for each in settings["metrics_from"])


def test_grafana_gets_the_plugin_the_data_source_and_the_dashboard() -> None:
    grafana = SERVICES["grafana"]
    environment = grafana["environment"]
    assert environment["GF_PLUGINS_PREINSTALL_SYNC"] == f"{PLUGIN_ID}@{PLUGIN_VERSION}"
    targets = {target: source for source, target in mounts(grafana)}
    assert environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] in targets
    [provider] = yaml.safe_load((DEPLOY / "compose/grafana/dashboards.yaml").read_text())["providers"]
    assert (provider["folder"], provider["folderUid"]) == (FOLDER_TITLE, FOLDER_UID)
    assert any(target.startswith(provider["options"]["path"] + "/") for target in targets)
    [source] = yaml.safe_load((DEPLOY / "compose/grafana/datasources.yaml").read_text())["datasources"]
    assert source["type"] == PLUGIN_ID
    assert source["jsonData"]["host"] in SERVICES
    assert source["jsonData"]["defaultDatabase"] == SERVICES["clickhouse"]["environment"]["CLICKHOUSE_DB"]
    secret = re.fullmatch(r"\$__file\{/run/secrets/(\w+)\}", source["secureJsonData"]["password"])
    assert secret is not None
    assert secret[1] in grafana["secrets"]
    user = (DEPLOY / "compose/clickhouse/grafana-user.sh").read_text()
    assert f"CREATE USER IF NOT EXISTS {source['jsonData']['username']} " in user
    assert f"/run/secrets/{secret[1]}" in user


def test_prometheus_scrapes_what_listens() -> None:
    config = yaml.safe_load((DEPLOY / "compose/prometheus.yml").read_text())
    targets = {t for job in config["scrape_configs"] for s in job["static_configs"] for t in s["targets"]}
    assert targets == {"service:8080", "collector:9467"}
    assert 'listen = "0.0.0.0:8080"' in (DEPLOY / "compose/service.toml").read_text()
    assert 'metrics_listen = "0.0.0.0:9467"' in (DEPLOY / "compose/collector.toml").read_text()
