"""The life of a flow: captured export datagrams → UDP → spool → HTTP → chDB → API answer.

The datagrams are softflowd's own (tests/data/make_exports.py). The truth comes from the traffic that
softflowd saw, read with scapy: nothing of Caudal takes part in computing it. Collector and service run as
the commands that operators run.
"""

import ipaddress
import socket
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.utils import RawPcapReader

from caudal.contract.batch import decode_batch
from caudal.demo.processes import Command
from tests.support.patience import PATIENCE_SECONDS
from tests.support.planted import as_written, forms_of_address, found_in

DATA = Path(__file__).parent / "data"
HOME = ("10.20.0.0/16", "2001:db8:20::/48")
MONTH = "2026-11"
# The recorded source address of each exporter, and the loopback address that plays it here.
EXPORTERS = {"192.0.2.5": "127.0.0.55", "192.0.2.59": "127.0.0.59", "192.0.2.10": "127.0.0.77"}
# Whose the remote addresses of the traffic are (registries and the operators' own pages).
REMOTE_PLATFORM = {
    "142.250.78.14": "google",
    "2800:3f0:4001:80a::200e": "google",
    "157.240.12.35": "meta",
    "2a03:2880:f12f:83:face:b00c:0:25de": "meta",
    "45.57.9.1": "netflix",
    "104.16.132.229": "cloudflare",
    "52.95.110.1": "amazon_aws",
    "71.18.1.1": "bytedance",
    "192.0.2.9": "",
    "2001:db8:ffff::9": "",
}


@dataclass(frozen=True)
class Truth:
    """IP bytes and packets by direction, and bytes by platform, of what the three exporters reported."""

    octets: Counter[str]
    packets: Counter[str]
    by_platform: Counter[str]
    addresses: frozenset[str]


@dataclass(frozen=True)
class Life:
    """What is left of the run: files, the spooled batches, the API's answers."""

    directory: Path
    batches: list[bytes]
    flows: dict[str, dict[str, dict[str, float]]]
    ledger: dict[str, int]
    indicator: dict[str, object]
    texts: str
    modes: dict[str, int]


def frames(name: str) -> list[Ether]:
    with RawPcapReader(str(DATA / name)) as reader:
        return [Ether(frame) for frame, _ in reader]


def read_truth() -> Truth:
    home = [ipaddress.ip_network(prefix) for prefix in HOME]
    octets: Counter[str] = Counter()
    packets: Counter[str] = Counter()
    by_platform: Counter[str] = Counter()
    addresses = set()
    for ether in frames("traffic.pcap.gz"):
        six = IPv6 in ether
        ip = ether[IPv6] if six else ether[IP]
        size = ip.plen + 40 if six else ip.len
        outward = any(ipaddress.ip_address(ip.src) in network for network in home)
        # v9 and IPFIX report both versions of IP, v5 only the old one.
        exporters = 2 if six else 3
        direction = "out" if outward else "in"
        octets[direction] += size * exporters
        packets[direction] += exporters
        by_platform[REMOTE_PLATFORM[ip.dst if outward else ip.src]] += size * exporters
        addresses |= {ip.src, ip.dst}
    return Truth(octets, packets, by_platform, frozenset(addresses))


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send_exports(port: int) -> int:
    sockets = {}
    for recorded, played in EXPORTERS.items():
        sockets[recorded] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets[recorded].bind((played, 0))
    sent = 0
    try:
        for ether in frames("exports.pcap.gz"):
            sockets[ether[IP].src].sendto(bytes(ether[UDP].payload), ("127.0.0.1", port))
            sent += 1
    finally:
        for opened in sockets.values():
            opened.close()
    return sent


def configure(directory: Path) -> tuple[str, int, str]:
    service, metrics = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    exports = free_port(socket.SOCK_DGRAM)
    (directory / "token").write_text("a-token-for-this-test-only-0123456789")
    (directory / "service.toml").write_text(
        f"""dsn = "chdb://{directory}/store"
listen = "127.0.0.1:{service}"
# One operator is all there is here, and its bytes are to be seen.
[confidentiality]
minimum_operators = 1
percent = 0
[[operators]]
id = "test-net"
name = "Test network"
economy = "CL"
[[collectors]]
id = "test-1"
operator = "test-net"
token_file = "token"
"""
    )
    (directory / "collector.toml").write_text(
        f"""collector = "test-1"
operator = "test-net"
economy = "CL"
home = {list(HOME)}
listen = ["127.0.0.1:{exports}"]
metrics_listen = "127.0.0.1:{metrics}"
state_directory = "state"
drain_seconds = 0
[service]
url = "http://127.0.0.1:{service}"
token_file = "token"
[exporters]
"127.0.0.59" = {{ name = "edge-9" }}
"""
    )
    return f"http://127.0.0.1:{service}", exports, f"http://127.0.0.1:{metrics}/metrics"


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=PATIENCE_SECONDS).status_code == 200
    except httpx.TransportError:
        return False


def metric(url: str, name: str) -> float:
    lines = httpx.get(url, timeout=PATIENCE_SECONDS).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"caudal_collector_{name} "))


DUMP = """
import sys
from caudal.contract.batch import decode_batch
from caudal.service.store.store import Store
with Store(sys.argv[1]) as store:
    for table in store.frame("SELECT name FROM system.tables WHERE database = currentDatabase()")["name"]:
        if table == "batch_body":
            for body in store.frame("SELECT hex(body) AS body FROM batch_body")["body"]:
                batch = decode_batch(bytes.fromhex(body))
                print(table, batch.origin, batch.flows.to_pylist(), batch.ledger.to_pylist())
        elif table != "batch_pending":
            print(table, *store.frame(f"SELECT toString(tuple(*)) AS row FROM `{table}`")["row"])
"""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    directory = tmp_path_factory.mktemp("life")
    url, exports, metrics = configure(directory)
    commands: list[Command] = []

    def start(name: str, verb: str, ready: str) -> Command:
        command = Command(
            name, [verb, "--config", str(directory / f"{name}.toml")], directory / f"{name}.log"
        )
        commands.append(command)
        command.wait_until(lambda: answers(ready))
        return command

    try:
        # The service is not there yet: everything must wait in the spool.
        collector = start("collector", "collect", metrics)
        sent = send_exports(exports)
        collector.wait_until(lambda: metric(metrics, "datagrams_total") == sent)
        texts = httpx.get(metrics, timeout=PATIENCE_SECONDS).text
        collector.stop()
        spooled = [path.read_bytes() for path in sorted((directory / "state" / "spool").glob("*.batch"))]
        service = start("service", "serve", f"{url}/readyz")
        collector = start("collector", "collect", metrics)
        collector.wait_until(lambda: metric(metrics, "spool_batches") == 0)
        texts += httpx.get(metrics, timeout=PATIENCE_SECONDS).text
        collector.stop()
        flows = {
            name: {
                str(row["group"][name]): row
                for row in httpx.get(
                    f"{url}/v1/flows?economy=CL&month={MONTH}&group_by={name}", timeout=PATIENCE_SECONDS
                ).json()["rows"]
            }
            for name in ("direction", "platform")
        }
        ledger = httpx.get(f"{url}/v1/ledger?economy=CL&month={MONTH}", timeout=PATIENCE_SECONDS).json()
        indicator = httpx.get(
            f"{url}/v1/indicators/J4?economy=CL&month={MONTH}", timeout=PATIENCE_SECONDS
        ).json()
        for path in (f"/v1/reports/CL/{MONTH}", "/metrics", "/openapi.json"):
            texts += httpx.get(url + path, timeout=PATIENCE_SECONDS).text
        assert ledger["balanced"]
        service.stop()
        modes = {
            str(path.relative_to(directory)): path.lstat().st_mode
            for place in ("store", "state")
            for path in (directory / place, *(directory / place).rglob("*"))
        }
        dump = subprocess.run(
            [sys.executable, "-c", DUMP, f"chdb://{directory}/store"],
            check=True,
            capture_output=True,
            text=True,
        )
        yield Life(directory, spooled, flows, ledger["total"], indicator, texts + dump.stdout, modes)
    finally:
        for command in commands:
            command.kill()


@pytest.fixture(scope="module")
def truth() -> Truth:
    return read_truth()


def test_the_api_answers_the_bytes_and_packets_of_the_capture(life: Life, truth: Truth) -> None:
    directions = life.flows["direction"]
    assert {name: row["bytes"] for name, row in directions.items()} == dict(truth.octets)
    assert {name: row["packets"] for name, row in directions.items()} == dict(truth.packets)


def test_bytes_are_those_of_each_platform_but_for_what_was_folded(life: Life, truth: Truth) -> None:
    platforms = {name: row["bytes"] for name, row in life.flows["platform"].items()}
    assert sum(platforms.values()) == sum(truth.by_platform.values())
    folded = platforms.pop("") - truth.by_platform[""]
    for name, octets in platforms.items():
        assert 0.9 * truth.by_platform[name] <= octets <= truth.by_platform[name], name
    missing = sum(truth.by_platform[name] - octets for name, octets in platforms.items())
    assert folded == missing
    assert set(platforms) == set(REMOTE_PLATFORM.values()) - {""}


def test_the_ledger_accounts_for_every_record(life: Life) -> None:
    assert life.ledger["received"] == life.ledger["decoded"] == life.ledger["aggregated"] > 3000
    assert life.ledger["lost"] == life.ledger["lost_datagrams"] == life.ledger["malformed"] == 0


def test_the_indicator_says_who_controls(life: Life, truth: Truth) -> None:
    (month,) = life.indicator["months"]  # type: ignore[misc]
    by_jurisdiction = {each["dimension"]: each for each in month["observations"]}
    american = sum(
        truth.by_platform[name] for name in ("google", "meta", "netflix", "cloudflare", "amazon_aws")
    )
    whole = sum(truth.by_platform.values())
    assert by_jurisdiction["US"]["low"] <= american / whole <= by_jurisdiction["US"]["high"]
    assert (
        by_jurisdiction["CN"]["low"]
        <= truth.by_platform["bytedance"] / whole
        <= by_jurisdiction["CN"]["high"]
    )


def test_everything_was_in_the_spool_before_it_was_shipped(life: Life, truth: Truth) -> None:
    batches = [decode_batch(body) for body in life.batches]
    assert sum(sum(batch.flows["bytes"].to_pylist()) for batch in batches) == sum(truth.octets.values())


def test_no_address_leaves_the_collector(life: Life, truth: Truth) -> None:
    planted = set(truth.addresses) | set(EXPORTERS.values())
    forms = {form for address in planted for form in forms_of_address(address)}
    # Four octets occur in a store of megabytes by chance.
    long_forms = {form for form in forms if len(form) > 6}
    for body in life.batches:
        batch = decode_batch(body)
        said = as_written([vars(batch.origin), batch.flows.to_pylist(), batch.ledger.to_pylist()])
        assert found_in(said, forms) == []
    searched = 0
    for path in life.directory.rglob("*"):
        if path.is_file() and path.name != "collector.toml":  # the operator's own settings name exporters
            content = path.read_bytes()
            searched += len(content)
            assert found_in(content, long_forms) == [], path
    assert searched > 100_000
    assert found_in(life.texts.encode(), forms) == []


def test_what_service_and_collector_write_is_for_nobody_else(life: Life) -> None:
    assert len(life.modes) > 50
    assert {
        "store",
        "state",
        "state/pseudonym.key",
        "state/exporters.state",
        "state/spool",
    } <= life.modes.keys()
    assert {
        name: oct(mode) for name, mode in life.modes.items() if mode & 0o077 and not stat.S_ISLNK(mode)
    } == {}


def test_the_search_finds_what_is_planted(life: Life, truth: Truth) -> None:
    """The search above can fail: an address in an answer is found, and those of the capture are no others."""
    address = sorted(truth.addresses)[0]
    number = int(ipaddress.ip_address(address))
    assert found_in(life.texts.encode() + f'{{"host": {number}}}'.encode(), forms_of_address(address))
