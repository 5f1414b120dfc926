"""How often somebody may ask, of a running service."""

from pathlib import Path

import httpx

from caudal.service.api.server import Service
from caudal.service.settings.settings import ServiceSettings
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW

PUBLISHER = "token-of-the-publisher-0123456789"
KNOWN = {"Authorization": f"Bearer {PUBLISHER}"}


def test_rate_limits(settings: ServiceSettings, tmp_path: Path) -> None:
    door = {"rate_limit": "5/hour", "rate_limit_keys": "8/hour", "trusted_proxies": ["127.0.0.9"]}
    publisher_file = tmp_path / "publisher"
    known = {**settings.model_dump(), "door": door, "publisher_token_file": publisher_file}
    publisher_file.write_text(PUBLISHER, encoding="utf-8")
    publisher_file.chmod(0o600)
    known["dsn"] = f"chdb://{tmp_path}/store"
    with Service(ServiceSettings(**known), lambda: NOW) as limited:

        def ask(address: str = "127.0.0.1", **headers: str) -> httpx.Response:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(base_url=limited.url, transport=transport, timeout=120) as own:
                return own.get("/v1/indicators", headers=headers)

        assert [ask().status_code for _ in range(7)] == [200] * 5 + [429] * 2
        answer = ask()
        assert 0 < int(answer.headers["retry-after"]) <= 3601
        assert answer.json()["type"] == "urn:caudal:problem:too-many-requests"
        # Health is asked for as often as one likes, and another address is another sender.
        assert httpx.get(f"{limited.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
        assert ask("127.0.0.3").status_code == 200
        # What a stranger says of its address is not believed; what the proxy says is.
        assert ask(**{"X-Forwarded-For": "203.0.113.1"}).status_code == 429
        said = [ask("127.0.0.9", **{"X-Forwarded-For": f"203.0.113.{n % 2}"}).status_code for n in range(12)]
        assert said == [200] * 10 + [429] * 2
        assert [ask(**KNOWN).status_code for _ in range(9)] == [200] * 8 + [429]
