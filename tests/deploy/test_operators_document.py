"""A script plays docs/operators.md: its commands as they stand there, in their order, on a machine where nothing is set up.

What is put in place of what an operator would type, or of what belongs to an operator's network, is in `SUBSTITUTED`.
"""

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings
from tests.deploy.machine import Machine
from tests.deploy.test_proxies import free_port
from tests.support.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdefABCDEF"
CONFIG = "/etc/caudal/collector.toml"
_STATUS = f"caudal collect status --config {CONFIG}"

# What the document says (a pattern), and what is run instead.
SUBSTITUTED = (
    # The package alone: what it recommends is fetched from elsewhere.
    (r"^apt-get install \./", "apt-get install --yes --no-install-recommends ./"),
    (r"^apt-get install chrony$", "true"),
    # Exports come to loopback, to a port that is free here, every tenth of a second.
    (r"-i eth0 (.*) -G 120 (.*) port 2055$", r"-i lo \1 -G 2 \2 port PORT"),
    # What a person pastes and types.
    (r"(/dev/stdin \S+) .*$", rf"\1 <<< {TOKEN}"),
    (r"^editor ", "python3 typed.py "),
    # The kernel is not this machine's own.
    (r"^sysctl --system$", "true"),
    # A smaller buffer than was asked for, and http, look wrong and are.
    (r"(.* --check)$", r"\1 || [ $? = 1 ]"),
    (r"https://…", "URL"),
)
# Between pointing routers at it and asking, an operator waits.
_WAIT = f"for i in $(seq 300); do {_STATUS} | grep -qE '^shipping +[1-9]' && break; sleep 1; done"


def commands() -> list[str]:
    """Return the commands from package to first batch; of ways to install, the first."""
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    steps = text.partition("## From package to first batch\n")[2].partition("\n### ")[0]
    found: list[str] = []
    skipped = False
    for line in steps.splitlines():
        skipped = (skipped or line.startswith("   Elsewhere")) and not re.match(r"\d+\. ", line)
        if line.startswith("       ") and not skipped:
            found.append(line.strip())
    return found


def script(port: int, url: str) -> str:
    lines = []
    for command in commands():
        played = command
        for pattern, instead in SUBSTITUTED:
            played = re.sub(pattern, instead, played)
        if played == _STATUS:
            lines.append(_WAIT)
        lines += [f"echo + {command!r}", played.replace("PORT", str(port)).replace("URL", url)]
    # What the collector itself says, should it not start.
    failed = "trap 'journalctl --no-pager --unit caudal-collector' ERR\n"
    return failed + "\n".join(lines) + "\necho end\n"


def typed(port: int, metrics: int, url: str) -> str:
    """Return a program that changes the settings as an operator does, each of which must stand there."""
    changes = {
        r"(?m)^home = .*": 'home = ["198.51.100.0/24"]',
        r"(?m)^listen = .*": f'listen = ["127.0.0.1:{port}"]',
        r"(?m)^allow = .*": 'allow = ["127.0.0.1/32"]',
        r"(?m)^metrics_listen = .*": f'metrics_listen = "127.0.0.1:{metrics}"',
        r"(?m)^window_seconds = .*": "window_seconds = 10",
        r"(?m)^lateness_seconds = .*": "lateness_seconds = 1",
        r"(?m)^url = .*": f'url = "{url}"',
        r'(?m)^"192\.0\.2\.1" = .*': '"127.0.0.1" = { name = "core-1", sampling = 1000 }',
    }
    return (
        f"import re, sys\ntext = open(sys.argv[1]).read()\nfor old, new in {changes!r}.items():\n"
        "    text, times = re.subn(old, new, text)\n    assert times == 1, old\n"
        "open(sys.argv[1], 'w').write(text)\n"
    )


@contextmanager
def exporting(port: int) -> Iterator[None]:
    """Send a NetFlow v5 datagram of one flow to a port of loopback, again and again."""
    done = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sequence = 0
            while not done.wait(0.1):
                now = datetime.now(UTC)
                header = struct.pack("!HHIIIIBBH", 5, 1, 100_000, int(now.timestamp()), 0, sequence, 0, 0, 0)
                record = struct.pack(
                    "!4s4s4sHHIIIIHHBBBBHHBBH",
                    bytes([198, 51, 100, 7]),
                    bytes([203, 0, 113, 9]),
                    bytes(4),
                    *(1, 2, 10, 12_000, 99_000, 99_900, 443, 50_000, 0, 0, 6, 0, 0, 0, 24, 24, 0),
                )
                sender.sendto(header + record, ("127.0.0.1", port))
                sequence += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_what_the_document_tells_to_do_leads_to_a_batch(
    package: Path, machine: Machine, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN, encoding="utf-8")
    token.chmod(0o600)
    settings = ServiceSettings.model_validate(
        {
            "dsn": f"chdb://{tmp_path}/store",
            "listen": "127.0.0.1:0",
            "publication": {"enabled": False},
            "operators": ({"id": "example-net", "name": "Example", "economy": "UY"},),
            "collectors": ({"id": "example-1", "operator": "example-net", "token_file": token},),
        }
    )
    port = free_port()
    with Service(settings, lambda: datetime.now(UTC)) as service, exporting(port):
        program = tmp_path / "typed.py"
        program.write_text(typed(port, free_port(), service.url), encoding="utf-8")
        status, output = machine.run(script(port, service.url), package, program)
        answer = httpx.get(
            f"{service.url}/v1/collector",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=PATIENCE_SECONDS,
        ).raise_for_status()
    assert status == 0, output
    assert output.endswith("end\n"), output
    assert re.search(r"^shipping +[1-9]", output, re.MULTILINE), output
    assert "core-1" in output
    [day] = answer.json()["days"]
    assert day["state"] == "counted"
    assert day["batches"] >= 1


def test_every_substitution_is_needed() -> None:
    """What is replaced stands in the document; else the document changed, and the script would play something else."""
    for pattern, _ in SUBSTITUTED:
        assert any(re.search(pattern, command) for command in commands()), pattern
