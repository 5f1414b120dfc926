"""A client of the service, for commands: what cannot be had is said in one line, and ends the command.

One process owns an embedded store. So commands ask the service that runs; where none answers at the settings'
address, they are the service themselves for as long as they need.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from caudal.common.errors import CaudalError
from caudal.common.logline import line
from caudal.common.privatefiles import private_files
from caudal.common.vocabulary import BEARER

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    import httpx

    from caudal.service.settings.settings import ServiceSettings

EXIT_REFUSED = 2
_SECONDS = 600.0


@contextmanager
def service_of(config: Path, role: str = "publisher") -> Iterator["httpx.Client"]:
    """Give a client of the service that runs with these settings, or of one that runs meanwhile.

    It holds the token of the publisher, or of the admin if that is the role: of the file that the settings name.
    """
    import httpx

    from caudal.service.access.tokenfiles import read_tokens
    from caudal.service.settings.settings import load_settings

    url = ""
    try:
        settings = load_settings(config)
        file = settings.admin_token_file if role == "admin" else settings.publisher_token_file
        token = read_tokens(file, f"{role}_token_file: {file}")[0] if file is not None else None
        # What listens everywhere is asked at loopback.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
        host = f"[{host}]" if ":" in host else host
        url = f"http://{host}:{settings.port}"
        with _client(url, token) as client:
            try:
                client.get("/healthz", timeout=10)
            except httpx.ConnectError:
                with _own(settings, role) as own:
                    yield own
                return
            yield client
    except httpx.HTTPError as error:
        refuse(f"the service at {url} does not answer: {error}")
    except CaudalError as error:
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


def answer_of(answer: "httpx.Response", role: str = "publisher") -> dict[str, Any]:
    """Return the JSON of an answer; where the service refused, tell why and end the command.

    `role` is that of the client: where nobody knows it, it is said which setting names its token.
    """
    if answer.status_code == 401:
        refuse(f"{problem_of(answer)}; the command uses the token of {role}_token_file in the settings")
    if not answer.is_success:
        refuse(problem_of(answer))
    return dict(answer.json())


def problem_of(answer: "httpx.Response") -> str:
    """Return the problem that a refusing answer names, in one line."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the service answered {answer.status_code}"


def refuse(message: str) -> NoReturn:
    """Tell why a command cannot be carried out, and end it."""
    typer.echo(f"caudal: {line(message)}", err=True)
    raise typer.Exit(EXIT_REFUSED)


@contextmanager
def _own(settings: "ServiceSettings", role: str) -> Iterator["httpx.Client"]:
    from caudal.service.api.server import Service
    from caudal.service.roles.roles import Role

    token = secrets.token_hex(32)
    quiet = settings.model_copy(
        update={
            "listen": "127.0.0.1:0",
            "publication": settings.publication.model_copy(update={"enabled": False}),
        }
    )
    with (
        private_files(),
        Service(quiet, own_tokens={Role(role): token}) as service,
        _client(service.url, token) as client,
    ):
        yield client


def _client(url: str, token: str | None) -> "httpx.Client":
    import httpx

    headers = {"Authorization": f"{BEARER} {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, timeout=_SECONDS, trust_env=False)
