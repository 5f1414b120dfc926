"""One log format of both daemons: text for people, JSON for what gathers logs; settings, options and variables for it."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from caudal.common.daemonlog import JsonFormatter, LogLevel, TextFormatter, log_to_stderr
from tests.support.patience import PATIENCE_SECONDS

from .test_logline import HOSTILE, plain

COLLECTOR = """
collector = "xa-1"
operator = "xa-net"
economy = "UY"
home = ["10.0.0.0/8"]
listen = ["127.0.0.1:0"]
state_directory = "state"
[service]
url = "http://127.0.0.1:9"
"""
# A collector that logs and ends, in the place of one that receives.
RUN = """
import logging, sys
from caudal.collector.daemon import run
from caudal.cli import main
def ended(config):
    logging.getLogger("caudal.collector.daemon.run").warning("it %s", "a\\nb")
    logging.getLogger("caudal.collector.daemon.run").debug("detail")
    logging.getLogger("httpx").info("Authorization: Bearer secret")
    logging.getLogger("httpcore").debug("Authorization: Bearer secret")
run.run = ended
sys.argv = ["caudal", *sys.argv[1:]]
main()
"""


def record(message: str, *, failed: bool = False, name: str = "caudal.service") -> logging.LogRecord:
    trace = None
    if failed:
        try:
            raise ValueError(message)
        except ValueError:
            trace = sys.exc_info()
    made = logging.LogRecord(name, logging.WARNING, "", 1, "%s", (message,), trace)
    made.created = 1_796_083_200.25
    return made


def test_text_says_when_in_utc_who_and_what() -> None:
    assert TextFormatter().format(record("no batch")) == (
        "2026-12-01T00:00:00.250Z WARNING caudal.service: no batch"
    )


def test_json_says_it_in_fields() -> None:
    assert json.loads(JsonFormatter().format(record("no batch"))) == {
        "time": "2026-12-01T00:00:00.250Z",
        "level": "warning",
        "logger": "caudal.service",
        "message": "no batch",
    }


def test_an_error_is_told_in_json_without_its_traceback() -> None:
    said = json.loads(JsonFormatter().format(record("bad", failed=True)))
    assert said["error"] == "ValueError: bad"
    assert said["at"].rpartition(":")[0] == __file__


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_record_is_one_line_of_json(value: str) -> None:
    said = JsonFormatter().format(record(value, failed=True, name=value))
    assert "\n" not in said
    assert all(plain(each) for each in json.loads(said).values())
    assert len(said) < 10_000


def test_a_thread_that_ends_badly_is_logged_like_all_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back afterwards
    log_to_stderr()

    def fail() -> None:
        raise ValueError("bad")

    thread = threading.Thread(target=fail, name="work\n er")
    thread.start()
    thread.join()
    (made,) = caplog.records
    assert made.getMessage() == r"the thread 'work\n er' ended by an error"
    assert made.exc_info is not None


def collected(tmp_path: Path, *options: str, settings: str = "", **environment: str) -> list[str]:
    """Return what `caudal collect` says on standard error, from when it would begin to receive."""
    config = tmp_path / "collector.toml"
    config.write_text(settings + COLLECTOR)
    (tmp_path / "collector.token").write_text("0123456789abcdef0123456789abcdef")
    ran = subprocess.run(
        [sys.executable, "-c", RUN, "collect", "--config", str(config), *options],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return ran.stderr.splitlines()


def test_the_collector_logs_as_settings_variables_and_options_say(tmp_path: Path) -> None:
    (text,) = collected(tmp_path)
    assert text.endswith(r"Z WARNING caudal.collector.daemon.run: it a\nb")
    (said,) = map(json.loads, collected(tmp_path, settings='log_format = "json"'))
    assert (said["level"], said["message"]) == ("warning", r"it a\nb")
    assert collected(tmp_path, CAUDAL_COLLECTOR_LOG_LEVEL="error") == []
    # An option goes over both; and no library tells what it sends, whatever the level.
    debug = collected(
        tmp_path, "--log-level", "debug", "--log-format", "text", settings='log_format = "json"\n'
    )
    assert [each.partition(" ")[2].partition(" ")[0] for each in debug] == ["WARNING", "DEBUG"]
    assert "secret" not in "".join(debug)


def test_the_service_logs_uvicorns_lines_like_its_own(tmp_path: Path) -> None:
    config = tmp_path / "service.toml"
    config.write_text(f'dsn = "chdb://{tmp_path}/store"\nlisten = "127.0.0.1:0"\n')
    command = [sys.executable, "-m", "caudal", "serve", "--config", str(config), "--log-format", "json"]
    said: list[dict[str, Any]] = []
    url = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        for line in service.stderr:
            said.append(json.loads(line))
            if said[-1]["message"].startswith("Started server"):
                # It listens already, and answers once it is ready to be told to stop.
                httpx.get(f"{url}/healthz", timeout=PATIENCE_SECONDS, trust_env=False).raise_for_status()
                service.send_signal(signal.SIGTERM)
            elif said[-1]["message"].startswith("serving at "):
                url = said[-1]["message"].split()[2]
    assert service.returncode == 0
    assert {"caudal.service", "uvicorn.error"} <= {each["logger"] for each in said}
    assert all(set(each) == {"time", "level", "logger", "message"} for each in said)
    assert all(datetime.fromisoformat(each["time"]).utcoffset() is not None for each in said)
    assert {each["level"] for each in said} <= {level.value for level in LogLevel}
