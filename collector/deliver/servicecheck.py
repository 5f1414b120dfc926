"""The question to the service whether it takes what this collector will send, with the token, in one request."""

import email.utils
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from caudal.collector.settings.settings import CollectorSettings

_PATIENCE_SECONDS = 5.0
_CLOCK_SECONDS = 60.0
_SOON_DAYS = 30


def service_answers(
    settings: CollectorSettings, client: httpx.Client, wall: Callable[[], float] = time.time
) -> Iterator[str]:
    """Yield a line for each thing in the way of batches; none means that the service knows this collector.

    Nothing is stored by it: it asks who one is (GET /v1/me).
    """
    url = settings.service.url
    try:
        answer = client.get("/v1/me", timeout=_PATIENCE_SECONDS)
    except httpx.ConnectError as error:
        yield f"service.url: {_unreached(url, error)}"
        return
    except httpx.TimeoutException:
        yield (
            f"service.url: {url} does not answer within {_PATIENCE_SECONDS:g} s; see whether a firewall is in between, or a proxy "
            "is needed (HTTPS_PROXY)"
        )
        return
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield f"service.url: {url} cannot be asked: {_plain(error)}; look at the address and at what is in between"
        return
    yield from _clock(answer, wall())
    yield from _answer(settings, answer)


def _unreached(url: str, error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    said = _plain(error)
    if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in said:
        why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else said
        return (
            f"the certificate of {url} is not trusted: {why}; set `service.ca_file` to what the regulator gave you, and look at "
            "this machine's clock"
        )
    if "SSL" in said or "TLS" in said:
        return f"{url} does not speak TLS with us: {said}; look at scheme and port, and whether it asks for `client_certificate`"
    return (
        f"{url} cannot be reached: {said}; see whether address and port are right, a firewall is in between, or a proxy is "
        "needed (HTTPS_PROXY)"
    )


def _clock(answer: httpx.Response, now: float) -> Iterator[str]:
    try:
        theirs = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return
    off = now - theirs
    if abs(off) > _CLOCK_SECONDS:
        yield (
            f"clock: this machine's is {abs(off):,.0f} s {'ahead of' if off > 0 else 'behind'} the service's; have it set by NTP: "
            "windows close by it"
        )


def _answer(settings: CollectorSettings, answer: httpx.Response) -> Iterator[str]:
    file, url = settings.service.token_file, settings.service.url
    if answer.status_code == 401:
        yield (
            f"service.token_file: the service does not know the token in {file} (401); ask the regulator whether it is of this "
            "collector and still valid"
        )
    elif answer.status_code == 403:
        yield f"service.token_file: the service refuses the token in {file} (403); ask the regulator"
    elif answer.status_code in (429, 503):
        yield f"service.url: {url} is busy now ({answer.status_code}); check again later"
    elif answer.status_code != 200 or not (said := _object(answer)):
        yield (
            f"service.url: {url} answers {answer.status_code} and not as a Caudal service does; look at the address, and at what "
            "is in between (a proxy, a captive portal)"
        )
    else:
        yield from _identity(settings, said)


def _identity(settings: CollectorSettings, said: dict[str, Any]) -> Iterator[str]:
    if said.get("role") != "collector":
        yield (
            f"service.token_file: the token is one of a {said.get('role')!s:.40}, which may not send batches; give that of the "
            "collector"
        )
        return
    if said.get("name") != settings.collector:
        yield (
            f"collector: the token is that of {said.get('name')!s:.80}, and the settings say {settings.collector}: the service would "
            "refuse the batches; correct one of them"
        )
    for name, setting, scope in (
        ("operator", settings.operator, said.get("operators")),
        ("economy", settings.economy, said.get("economies")),
    ):
        if isinstance(scope, list) and scope and setting not in scope:
            yield (
                f"{name}: the service knows this collector for {', '.join(map(str, scope))!s:.80}, and the settings say {setting}: it "
                "would refuse the batches; correct one of them"
            )
    if isinstance(said.get("expires_at"), str):
        yield from _expiry(said["expires_at"])


def _expiry(text: str) -> Iterator[str]:
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        return
    if end.tzinfo is not None and (end - datetime.now(UTC)).days < _SOON_DAYS:
        yield f"service.token_file: the token ends on {end:%Y-%m-%d}; ask the regulator for the next one"


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "role" in found else {}


def _plain(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
