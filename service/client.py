"""A client of the service, for commands: what cannot be had is said in one line, and ends the command.

One process owns an embedded store. So commands ask the service that runs; where none answers at the settings'
address, they are the service themselves for as long as they need.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from caudal.logline import line
from caudal.privatefiles import private_files
from caudal.service.errors import ServiceError

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    import httpx

    from caudal.service.settings import ServiceSettings

EXIT_REFUSED = 2
_SECONDS = 600.0


@contextmanager
def service_of(config: Path) -> Iterator["httpx.Client"]:
    """Give a client of the service that runs with these settings, or of one that runs meanwhile.

    It holds the token of the publisher where it may be read.
    """
    import httpx

    from caudal.service.settings import load_settings, read_publisher_token

    url = ""
    try:
        settings = load_settings(config)
        token = read_publisher_token(settings)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{settings.port}"
        with _client(url, token) as client:
            try:
                client.get("/healthz", timeout=10)
            except httpx.ConnectError:
                with _own(settings) as own:
                    yield own
                return
            yield client
    except httpx.HTTPError as error:
        refuse(f"the service at {url} does not answer: {error}")
    except ServiceError as error:
        refuse(str(error))


@contextmanager
def service_at(url: str) -> Iterator["httpx.Client"]:
    """Give a client of the service that answers at an address."""
    import httpx

    try:
        with _client(url, None) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        refuse(
            f"no service answers at {url}: {error}; give --config with the settings, or --service with its address"
        )


def problem_of(answer: "httpx.Response") -> str:
    """Return what an answer that refuses says, in one line."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {answer.status_code}"


def refuse(message: str) -> NoReturn:
    """Say why a command cannot do what it was asked to, and end it."""
    typer.echo(f"caudal: {line(message)}", err=True)
    raise typer.Exit(EXIT_REFUSED)


@contextmanager
def _own(settings: "ServiceSettings") -> Iterator["httpx.Client"]:
    from caudal.service.server import Service

    token = secrets.token_hex(32)
    quiet = settings.model_copy(
        update={
            "listen": "127.0.0.1:0",
            "publication": settings.publication.model_copy(update={"enabled": False}),
        }
    )
    with (
        private_files(),
        Service(quiet, publisher_token=token) as service,
        _client(service.url, token) as client,
    ):
        yield client


def _client(url: str, token: str | None) -> "httpx.Client":
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, timeout=_SECONDS, trust_env=False)
