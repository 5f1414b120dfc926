"""The region's report of a store, and over HTTP: published months of its members, the newest vintage of each."""

import io
import json
from collections.abc import Iterator

import httpx
import pypdf
import pytest
from typer.testing import CliRunner

from caudal.cli import app
from caudal.service.api.server import Service
from caudal.service.errors import NotFound
from caudal.service.reports.region.forms import REGION_FORMS
from caudal.service.settings.settings import ConfidentialitySettings
from tests.support.patience import PATIENCE_SECONDS
from tests.support.samples import NOW

from ..world import BEFORE, MONTH, World


@pytest.fixture
def published(world: World) -> World:
    """BR, CL and MX have published the month, US as well, and UY has not."""
    for economy, home in (("BR", 700), ("CL", 400), ("MX", 200), ("US", 900), ("UY", 500)):
        world.send(economy, MONTH, home, 1000 - home)
        if economy != "UY":
            world.publish(economy, MONTH)
    return world


@pytest.fixture
def client(published: World) -> Iterator[httpx.Client]:
    settings = published.settings
    quiet = settings.publication.model_copy(update={"enabled": False})
    with (
        Service(settings.model_copy(update={"publication": quiet}), lambda: NOW) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as opened,
    ):
        yield opened


def economies(world: World, group: str = "CELAC", month: str = MONTH) -> list[str]:
    found = world.regions().month(group, month)
    return [member.economy for member in world.regions().content(found).members]


def test_members_that_published_the_month_are_in_it(published: World) -> None:
    assert economies(published) == ["BR", "CL", "MX"]
    assert economies(published, "PA") == ["CL", "MX"]
    content = published.regions().content(published.regions().month("MERCOSUR", MONTH))
    assert [member.economy for member in content.members] == ["BR"]
    assert "UY" in content.missing


def test_of_each_the_newest_vintage_and_another_state(published: World) -> None:
    before = published.regions().month("CELAC", MONTH)
    kept = published.regions().content(before)
    published.send("CL", MONTH, 9000, 10)
    assert published.regions().month("CELAC", MONTH).state == before.state
    published.publish("CL", MONTH, "came late")
    after = published.regions().month("CELAC", MONTH)
    assert after.state != before.state
    assert [each.vintage for each in after.issues][1] == "CL-2026-10-v2"
    # What was begun with the vintages of before is finished with them.
    assert published.regions().content(before) == kept


def test_made_up_economies_are_left_out_beside_metered_ones(published: World) -> None:
    published.send("XA", MONTH, 500, 500)
    published.send("XA", BEFORE, 500, 500)
    published.publish("XA", MONTH)
    published.publish("XA", BEFORE)
    found = published.regions().month("CELAC", MONTH)
    assert found.left_out == ("XA",) and "XA" not in economies(published)
    assert found.earlier == BEFORE
    alone = published.regions().content(published.regions().month("CELAC", BEFORE))
    assert [member.economy for member in alone.members] == ["XA"] and alone.synthetic


def test_what_is_not_there_is_answered_with_what_is(published: World) -> None:
    for group, month, kind, said in (
        ("CELAK", MONTH, "group", "there are AMAZON_STORES, ASEAN"),
        ("CELAC", "2026-01", "month", "published months: 2026-10"),
        ("ASEAN", MONTH, "month", "published months: none yet"),
    ):
        with pytest.raises(NotFound, match=said) as raised:
            published.regions().month(group, month)
        assert raised.value.kind == kind


def test_what_an_economy_withheld_stands_as_withheld(world: World) -> None:
    """Under the rule of confidentiality one operator has no amounts; shares it has, and they are what it published."""
    world.settings = world.settings.model_copy(
        update={"confidentiality": ConfidentialitySettings(minimum_operators=3, percent=10)}
    )
    world.send("CL", MONTH, 400, 600)
    world.publish("CL", MONTH)
    own = world.content("CL")
    [member] = world.regions().content(world.regions().month("CELAC", MONTH)).members
    for value in member.values:
        entry = own.entry(value.observation.indicator)
        assert entry is not None
        [same] = [
            r.observation for r in entry.readings if r.observation.dimension == value.observation.dimension
        ]
        assert (value.observation.value, value.observation.flags) == (same.value, same.flags)


def test_every_form_over_http(client: httpx.Client, published: World) -> None:
    path = f"/v1/reports/region/CELAC/{MONTH}"
    for form in REGION_FORMS.values():
        answer = client.get(path, params={"format": form.name})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(form.bare_type)
        # Two of three read Spanish.
        assert answer.headers["content-language"] == "es"
        assert "CELAC-2026-10" in answer.headers["content-disposition"]
        again = client.get(
            path, params={"format": form.name}, headers={"If-None-Match": answer.headers["etag"]}
        )
        assert again.status_code == 304
    paper = pypdf.PdfReader(io.BytesIO(client.get(path, params={"format": "pdf"}).content))
    # The font has one glyph for both hyphens.
    text = "".join(page.extract_text() for page in paper.pages).replace("\xad", "-")
    assert "CL-2026-10-v1" in text
    body = client.get(path, headers={"Accept-Language": "pt-BR"}).json()
    assert (body["language"], [each["economy"] for each in body["economies"]]) == ("pt", ["BR", "CL", "MX"])
    assert body["groups"][0]["indicators"][0]["median"]["value"] == pytest.approx(0.4)
    assert 'rel="alternate"' in client.get(path).headers["link"]
    tag = client.get(path).headers["etag"]
    published.send("CL", MONTH, 9000, 10)
    published.publish("CL", MONTH, "came late")
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_bad_questions_over_http(client: httpx.Client) -> None:
    for path, status, kind, said in (
        ("CELAK/2026-10", 404, "unknown-group", "CELAC"),
        ("CELAC/2026-01", 404, "unknown-month", "published months: 2026-10"),
        ("celac/2026-10", 422, "invalid-request", "group"),
        ("CELAC/2026-13", 422, "invalid-request", "month"),
        ("CELAC/2026-10?language=fr", 422, "invalid-request", "language"),
        ("CELAC/2026-10?format=xlsx", 422, "invalid-request", "format"),
    ):
        answer = client.get(f"/v1/reports/region/{path}")
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:caudal:problem:{kind}")
        assert said in json.dumps(answer.json())


def test_the_command_writes_it(client: httpx.Client) -> None:
    url = str(client.base_url).rstrip("/")
    done = CliRunner().invoke(
        app, ["report", "--region", "celac", MONTH, "--format", "csv", "--service", url]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("region,month,economy")
    for arguments, said in (
        (["--region", "CELAC", "CL", MONTH], "give the month alone"),
        (["--region", "CELAC", MONTH, "--format", "xlsx"], "there are json, csv, html, pdf"),
        (["--region", "NOWHERE", MONTH], "there are AMAZON_STORES"),
        (["CL"], "give a month after CL"),
    ):
        refused = CliRunner().invoke(app, ["report", *arguments, "--service", url])
        assert refused.exit_code == 2 and said in refused.output and refused.output.count("\n") == 1
