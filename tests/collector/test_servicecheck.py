"""What `--check` hears from a service: each answer of a real HTTP server gives one line that says what to do."""

import email.utils
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from caudal.collector.deliver.servicecheck import service_answers
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.settings.settings import CollectorSettings

NOW = 1_767_225_600.0
ME = {"name": "uy-1", "role": "collector", "economies": ["UY"], "operators": ["uy-net"], "expires_at": None}


@contextmanager
def standing(status: int = 200, said: Any = ME, date: float = NOW) -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything so; gives its address and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response_only(status)
            self.send_header("Date", email.utils.formatdate(date, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def settings(directory: Path, url: str) -> CollectorSettings:
    (directory / "token").write_text("t" * 40)
    return CollectorSettings.model_validate(
        {
            "collector": "uy-1",
            "operator": "uy-net",
            "economy": "UY",
            "home": ["167.56.0.0/16"],
            "state_directory": directory / "state",
            "service": {"url": url, "token_file": directory / "token"},
        }
    )


def lines(directory: Path, url: str) -> list[str]:
    of = settings(directory, url)
    with service_client(of) as client:
        return list(service_answers(of, client, lambda: NOW))


def test_a_service_that_knows_the_collector(tmp_path: Path) -> None:
    with standing() as (url, asked):
        assert lines(tmp_path, url) == []
    assert asked == ["/v1/me Bearer " + "t" * 40]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"status": 401, "said": {"detail": "who?"}}, "service.token_file: the service does not know the token"),
        ({"status": 403, "said": {"detail": "no"}}, "service.token_file: the service refuses the token"),
        ({"status": 503, "said": {}}, "is busy now (503)"),
        ({"status": 404, "said": b"nothing here"}, "answers 404 and not as a Caudal service does"),
        ({"said": b"<html>please log in</html>"}, "a captive portal"),
        ({"said": [1]}, "not as a Caudal service does"),
        ({"said": {**ME, "role": "analyst"}}, "the token is one of a analyst, which may not send batches"),
        ({"said": {**ME, "name": "uy-2"}}, "collector: the token is that of uy-2, and the settings say uy-1"),
        ({"said": {**ME, "operators": ["other"]}}, "operator: the service knows this collector for other"),
        ({"said": {**ME, "economies": ["AR"]}}, "economy: the service knows this collector for AR"),
        ({"said": {**ME, "expires_at": "2020-01-01T00:00:00Z"}}, "the token ends on 2020-01-01"),
        ({"date": NOW - 600}, "clock: this machine's is 600 s ahead of the service's"),
        ({"date": NOW + 90}, "clock: this machine's is 90 s behind the service's"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_in_the_way(tmp_path: Path, answer: dict[str, Any], says: str) -> None:
    with standing(**answer) as (url, _):
        (line,) = lines(tmp_path, url)
    assert says in line
    assert "t" * 40 not in line


def test_nobody_there(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "http://127.0.0.1:1")
    assert "cannot be reached: " in line
    assert "HTTPS_PROXY" in line


def test_no_tls_where_it_is_expected(tmp_path: Path) -> None:
    with standing() as (url, _):
        (line,) = lines(tmp_path, url.replace("http", "https"))
    assert "does not speak TLS with us" in line


def test_the_answer_of_the_service_itself_is_understood() -> None:
    """What the route gives has the members that are looked at."""
    from caudal.service.answers.access import MeAnswer

    assert set(ME) <= set(MeAnswer.model_fields)


def test_the_patience_is_short() -> None:
    from caudal.collector.deliver import servicecheck

    assert servicecheck._PATIENCE_SECONDS <= 5
    assert time.gmtime(NOW).tm_year == 2026
