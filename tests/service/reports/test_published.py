"""The report of what is published stays as it was, whatever comes late, is corrected or revised."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import Reference, load_reference
from caudal.service.errors import QuestionError
from caudal.service.ingest import Ingest
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.reports.edition.edition import Publication
from caudal.service.reports.forms import FORMS
from caudal.service.reports.reports import Reports
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, random_batch

from ..conftest import clear

MONTH, BEFORE = "2026-09", "2026-08"
UNCHANGING = ("csv", "sdmx-csv", "sdmx-json", "json", "html", "xlsx")
PUBLISHED = ("vintage", "indicator_value", "vintage_cell", "vintage_input", "reference_file")


class Deployment:
    """The service's parts over one store, at a time, under a reference; a new one has nothing in memory."""

    def __init__(
        self, settings: ServiceSettings, store: Store, reference: Reference, overlay: Path, hours: int = 0
    ) -> None:
        now: datetime = NOW + timedelta(hours=hours)
        self.measures = Measures(settings, store, reference, lambda: now)
        self.vintages = Vintages(store, reference, self.measures, lambda: now, overlay)
        self.reports = Reports(store, self.measures, lambda: now, Publication())

    def bytes_of(self, vintage: str | None = None) -> dict[str, bytes]:
        months = self.reports.months("XA", MONTH)
        return {name: self.reports.render("XA", months, FORMS[name], "es", vintage)[0] for name in UNCHANGING}

    def said(self, vintage: str | None = None) -> Any:
        months = self.reports.months("XA", MONTH)
        return json.loads(self.reports.render("XA", months, FORMS["json"], "en", vintage)[0])


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    for seed in (1, 2, 3, 4):
        take(store, random_batch(seed, rows=600))
    yield store
    clear(store)
    for table in PUBLISHED:
        store.command(f"TRUNCATE TABLE {table}")


@pytest.fixture(scope="module")
def other_overlay(overlay: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The overlay of the tests; and Netflix has another name, and is run from Uruguay."""
    other = tmp_path_factory.mktemp("other")
    for file in overlay.iterdir():
        (other / file.name).write_text(file.read_text())
    platforms = load_reference(overlay).facts("platforms").filter(pl.col("platform_id") == "netflix")
    changed = {"control_country": pl.lit("UY"), "name": pl.lit("Red de Películas")}
    platforms.drop("overlay").with_columns(**changed).write_csv(other / "platforms.csv")
    return other


def take(store: Store, body: bytes) -> None:
    Ingest(store).store_batch(decode_batch(body), body, NOW)


def late(store: Store, month: str = MONTH) -> None:
    """A batch of a month comes after it was published, with flows and with a line of the ledger."""
    start = datetime.fromisoformat(f"{month}-12T10:00:00+00:00")
    flows = [
        {"window_start": start, "bytes": 10**12, "flows": 5000, "remote_asn": 2906, "remote_country": "BR"}
    ]
    take(store, batch(flows, [{"window_start": start, "received": 7, "decoded": 7, "aggregated": 7}]))


def controls(report: Any) -> dict[str, float]:
    return {each["key"]: each["value"] for each in report["destinations"]["controls"]}


def test_a_published_report_stays_byte_for_byte(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path, other_overlay: Path
) -> None:
    first = Deployment(settings, filled, reference, overlay)
    before = first.said()
    for month in (BEFORE, MONTH):
        first.vintages.publish("XA", month)
    published = first.bytes_of()
    # As it is published, so it was computed.
    assert first.said()["destinations"] == before["destinations"]
    assert set(controls(before)) == {"US", ""}

    late(filled)
    late(filled, BEFORE)
    corrected = load_reference(other_overlay)
    later = Deployment(settings, filled, corrected, other_overlay, hours=1)
    assert later.bytes_of() == published
    later.vintages.publish("XA", BEFORE, "came late")
    assert later.bytes_of() == published

    later.vintages.publish("XA", MONTH, "the reference was corrected")
    assert later.bytes_of("XA-2026-09-v1") == published
    old, new = later.said("XA-2026-09-v1"), later.said()
    assert new["vintage"] == "XA-2026-09-v2"
    assert controls(old) == controls(before)
    assert controls(new)["UY"] > 0.5
    assert controls(new)["US"] < controls(old)["US"]
    assert new["ledger"]["counts"]["received"] == old["ledger"]["counts"]["received"] + 7
    # The revision is compared with what was published of the month before when it was made.
    v1, v2 = (
        first.measures.published("XA", BEFORE, f"XA-2026-08-v{number}").observations["J9"][0].value  # type: ignore[union-attr]
        for number in (1, 2)
    )
    compared = [
        next(each for each in report["indicators"] if each["id"] == "J9")["changes"][0]["value"]
        for report in (old, new)
    ]
    assert compared == [v1, v2]
    assert v1 != v2
    for report, name in ((old, "Netflix"), (new, "Red de Películas")):
        content = later.reports.content("XA", later.reports.months("XA", MONTH), report["vintage"])
        assert content.platforms["netflix"] == name


def test_a_month_published_later_is_not_compared_with(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    """Else a report that may be kept for ever would change when the other month is published, or revised."""
    first = Deployment(settings, filled, reference, overlay)
    assert first.said()["compared_with"] == {"month_before": BEFORE}
    first.vintages.publish("XA", MONTH)
    alone = first.bytes_of("XA-2026-09-v1")
    assert first.said()["compared_with"] == {}
    later = Deployment(settings, filled, reference, overlay, hours=1)
    later.vintages.publish("XA", BEFORE)
    assert later.bytes_of("XA-2026-09-v1") == alone


def test_a_kept_reference_is_loaded_once(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path, other_overlay: Path
) -> None:
    Deployment(settings, filled, reference, overlay).vintages.publish("XA", MONTH)
    later = Deployment(settings, filled, load_reference(other_overlay), other_overlay)
    kept = later.measures.reference(reference.version)
    assert later.measures.reference(reference.version) is kept
    with pytest.raises(QuestionError, match="not kept"):
        later.measures.reference("2020-01-01-0")


def test_a_reference_that_was_lost_is_said(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path, other_overlay: Path
) -> None:
    first = Deployment(settings, filled, reference, overlay)
    first.vintages.publish("XA", MONTH)
    values = first.said()["indicators"]
    filled.command("TRUNCATE TABLE reference_file")
    corrected = load_reference(other_overlay)
    report = Deployment(settings, filled, corrected, other_overlay).said()
    assert report["indicators"] == values
    assert "UY" in controls(report)
    [notice] = [each for each in report["notices"] if each["flag"] == "drawn_of_later_facts"]
    assert corrected.version in notice["text"]
    assert "drawn_of_later_facts" not in {each["flag"] for each in first.said()["notices"]}
