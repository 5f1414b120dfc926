"""A client of Grafana's HTTP API whose every failure is one line."""

import re
from types import TracebackType
from typing import Any, Self

import httpx

from caudal.dashboards.errors import PublishError

TIMEOUT_SECONDS = 15.0


class Grafana:
    """A Grafana, spoken to as a service account; every answer that is no success is a PublishError."""

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = _checked_url(url)
        self._client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {_checked_token(token)}", "Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def link(self, path: str) -> str:
        """Return the address of a path as Grafana names it, which holds the sub-path already."""
        return str(httpx.URL(self.url).copy_with(path=path))

    def get(self, path: str) -> Any:
        """Return the decoded answer, or None where Grafana says that there is no such thing."""
        response = self._send("GET", path)
        return None if response.status_code == httpx.codes.NOT_FOUND else self._answer(response)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Return the decoded answer to a creation or an update."""
        return self._answer(self._send("POST", path, body))

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except httpx.TimeoutException as error:
            raise PublishError(
                f"Grafana at {self.url} did not answer within {TIMEOUT_SECONDS:.0f} s; is it up?"
            ) from error
        except httpx.HTTPError as error:
            raise PublishError(
                f"Grafana at {self.url} cannot be reached ({_one_line(str(error))}); check --url"
            ) from error

    def _answer(self, response: httpx.Response) -> Any:
        request = f"{response.request.method} {response.request.url.path}"
        if response.is_success:
            try:
                return response.json()
            except ValueError as error:
                raise PublishError(
                    f"{self.url} answered {request} with something that is no JSON; is it a Grafana?"
                ) from error
        said = _message(response)
        match response.status_code:
            case httpx.codes.UNAUTHORIZED:
                reason = "the token is not valid; create a service account token and put it in the token file"
            case httpx.codes.FORBIDDEN:
                reason = "the token may not do this; its service account needs the role Editor (to create a data source: Admin)"
            case httpx.codes.NOT_FOUND:
                reason = "there is no such thing; is --url the root of a Grafana, with its sub-path?"
            case httpx.codes.PRECONDITION_FAILED:
                reason = "somebody else saved it meanwhile, or its title is taken in the folder; look, then publish again"
            case code if code >= 500:
                reason = "Grafana failed; see its log"
            case code if 300 <= code < 400:
                reason = f"it redirects to {response.headers.get('location', 'elsewhere')}; give that address as --url"
            case _:
                reason = "Grafana refused"
        raise PublishError(
            f"Grafana at {self.url} answered {response.status_code} to {request}: {reason}{said}"
        )


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise PublishError(f"{url!r} is no URL ({error}); give it as https://grafana.example.net") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise PublishError(f"{url!r} is no URL of a Grafana; give it as https://grafana.example.net")
    if parsed.userinfo:
        raise PublishError("the URL carries a user or a password; take them out and use a token file")
    return str(parsed).rstrip("/")


def _checked_token(token: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise PublishError(
            "the token is empty or holds spaces or other characters that no token has; check its file"
        )
    return token


def _message(response: httpx.Response) -> str:
    try:
        said = response.json().get("message", "")
    except (ValueError, AttributeError):
        return ""
    return f" ({_one_line(str(said))})" if said else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
