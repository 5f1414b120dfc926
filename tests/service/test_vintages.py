"""Months are published for good: computed from what is kept, recomputed to the same, revised with a reason."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from caudal.contract.batch import decode_batch
from caudal.reference import FILES, Reference, load_reference
from caudal.service.errors import AlreadyPublished, NotFound, QuestionError
from caudal.service.evaluation.evaluation import MonthInputs
from caudal.service.evaluation.supplied import Supplied
from caudal.service.indicators import CATALOGUE
from caudal.service.ingest import Ingest
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.perturbation.perturbation import PERTURBED
from caudal.service.queries.vintages import vintages as stored
from caudal.service.settings.settings import ConfidentialitySettings, ServiceSettings
from caudal.service.store.referencearchive import archive_reference, archived_reference
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store
from tests.support.samples import NOW, batch, random_batch

from .conftest import clear

MONTH = "2026-09"
PUBLISHED = ("vintage", "indicator_value", "vintage_cell", "vintage_input", "reference_file")


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """The store with three months of XA; afterwards nothing is published."""
    for seed in (1, 2):
        body = random_batch(seed, rows=600)
        Ingest(store).store_batch(decode_batch(body), body, NOW)
    yield store
    clear(store)
    for table in PUBLISHED:
        store.command(f"TRUNCATE TABLE {table}")


def late(store: Store) -> None:
    """A batch of the month comes after it was published."""
    body = batch(
        [{"bytes": 10**12, "flows": 5000, "remote_asn": 2906, "remote_country": "BR"}], sequence="late"
    )
    Ingest(store).store_batch(decode_batch(body), body, NOW)


def both(
    settings: ServiceSettings,
    store: Store,
    reference: Reference,
    overlay: Path | None,
    now: datetime = NOW,
    supplied: Supplied | None = None,
) -> tuple[Measures, Vintages]:
    measures = Measures(settings, store, reference, lambda: now, supplied)
    return measures, Vintages(store, reference, measures, lambda: now, overlay, supplied)


def test_published_is_what_was_computed_and_stays(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    measures, vintages = both(settings, filled, reference, overlay)
    assert measures.published("XA", MONTH) is None
    computed = measures.compute("XA", MONTH, CATALOGUE.values())
    vintage = vintages.publish("XA", MONTH)
    assert vintage is not None
    assert (vintage.vintage, vintage.number, vintage.reason) == ("XA-2026-09-v1", 1, "")
    published = measures.published("XA", MONTH)
    assert published is not None
    assert replace(published, vintage=None) == computed
    late(filled)
    assert measures.compute("XA", MONTH, CATALOGUE.values()).observations != published.observations
    assert measures.published("XA", MONTH) == published
    # Nor from a process that has read nothing yet.
    assert both(settings, filled, reference, overlay)[0].published("XA", MONTH) == published
    assert measures.measured("XA", MONTH).vintage == "XA-2026-09-v1"
    assert measures.measured("XA", "2026-08").vintage is None


def test_any_vintage_is_recomputed_to_the_same(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    """Under another reference in force, with more facts in the roll-ups and other declared subscribers."""
    _, vintages = both(settings, filled, reference, overlay)
    vintages.publish("XA", MONTH)
    late(filled)
    vintages.publish("XA", MONTH, "a batch came late")
    changed = load_reference(changed_overlay(overlay))
    assert changed.version != reference.version
    load_reference_tables(filled, changed, lambda: NOW + timedelta(hours=1))
    fewer = ServiceSettings(
        **{
            **settings.model_dump(),
            "operators": [{**each.model_dump(), "subscribers": 10, "subscribers_as_of": "2026-01-01"}
                          for each in settings.operators],
        }
    )  # fmt: skip
    measures, after = both(fewer, filled, changed, changed_overlay(overlay))
    try:
        third = after.publish("XA", MONTH, "the reference was corrected")
        assert third is not None
        assert (third.vintage, third.reference_version) == ("XA-2026-09-v3", changed.version)
        for number in (1, 2, 3):
            again = after.recompute(f"XA-2026-09-v{number}")
            assert again.differences == ()
            assert again.same
            assert again.observations > len(CATALOGUE)
        published = [measures.published("XA", MONTH, f"XA-2026-09-v{number}") for number in (1, 2, 3)]
        j4 = [each.observations["J4"] for each in published if each is not None]
        assert len(j4) == 3
        assert j4[0] != j4[1] != j4[2]
        assert [each.dimension for each in j4[2] if each.dimension == "UY"] == ["UY"]
    finally:
        load_reference_tables(filled, reference, lambda: NOW + timedelta(hours=2))


def changed_overlay(overlay: Path) -> Path:
    """The overlay of the tests, and another owner of the network 2906."""
    other = overlay.parent / "changed"
    other.mkdir(exist_ok=True)
    for file in overlay.iterdir():
        (other / file.name).write_text(file.read_text())
    platforms = load_reference(overlay).facts("platforms")
    row = platforms.filter(pl.col("platform_id") == "netflix")
    assert row.height == 1
    row.drop("overlay").with_columns(control_country=pl.lit("UY")).write_csv(other / "platforms.csv")
    return other


def test_what_was_changed_in_a_vintage_is_found(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    _, vintages = both(settings, filled, reference, overlay)
    vintages.publish("XA", MONTH)
    filled.command(
        "ALTER TABLE indicator_value UPDATE value = 0.5 WHERE indicator = 'C1' AND dimension IS NULL "
        "SETTINGS mutations_sync = 2"
    )
    again = vintages.recompute("XA-2026-09-v1")
    assert not again.same
    assert len(again.differences) == 1
    assert again.differences[0].startswith("C1")


def test_a_revision_needs_a_reason_and_a_difference(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    _, vintages = both(settings, filled, reference, overlay)
    vintages.publish("XA", MONTH)
    with pytest.raises(AlreadyPublished, match=r"published as XA-2026-09-v1.*give a reason"):
        vintages.publish("XA", MONTH, "  ")
    assert vintages.publish("XA", MONTH, "looked again") is None
    late(filled)
    second = vintages.publish("XA", MONTH, " came \n late ")
    assert second is not None
    assert (second.number, second.reason) == (2, "came late")


def test_a_month_told_with_factors_keeps_them(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    """Exact figures beside those that a factor moved would tell the factor, of all months."""
    origin = {"collector": "uy-1", "operator": "uy-net", "economy": "UY", "synthetic": False}
    for sequence in ("1", "2"):
        body = batch([{"flows": 5000}], sequence=sequence, **origin)
        Ingest(filled).store_batch(decode_batch(body), body, NOW)
        rule = ConfidentialitySettings(percent=10 if sequence == "1" else 0)
        chosen = settings.model_copy(update={"confidentiality": rule})
        measures, vintages = both(chosen, filled, reference, overlay)
        vintages.publish("UY", MONTH, "the rule is another")
    found = measures.published("UY", MONTH)
    assert found is not None
    assert found.vintage == "UY-2026-09-v2"
    assert PERTURBED in found.flags
    factors = [MonthInputs.from_json(each.inputs).factors for each in stored(filled, "UY", MONTH)]
    assert factors[0] == factors[1] != {}


@pytest.mark.parametrize(
    ("economy", "month", "error"),
    [("XA", "2026-03", NotFound), ("BR", MONTH, NotFound), ("XA", "2026-10", QuestionError)],
)
def test_what_cannot_be_published(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path,
    economy: str, month: str, error: type[Exception],
) -> None:  # fmt: skip
    running = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    _, vintages = both(settings, filled, reference, overlay, running)
    with pytest.raises(error):
        vintages.publish(economy, month)
    assert filled.value("SELECT count() FROM vintage") == 0
    assert filled.value("SELECT count() FROM indicator_value") == 0


def test_unknown_vintages(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    measures, vintages = both(settings, filled, reference, overlay)
    vintages.publish("XA", MONTH)
    with pytest.raises(NotFound) as raised:
        measures.published("XA", MONTH, "XA-2026-09-v7")
    assert raised.value.available == ["XA-2026-09-v1"]
    with pytest.raises(NotFound):
        vintages.recompute("XA-2026-09-v7")


def test_a_reference_is_kept_as_it_was_written(filled: Store, reference: Reference, overlay: Path) -> None:
    assert archive_reference(filled, reference, overlay) is True
    assert archive_reference(filled, reference, overlay) is False
    kept = archived_reference(filled, reference.version)
    assert (kept.version, kept.synthetic) == (reference.version, reference.synthetic)
    for file in FILES:
        assert kept.history(file.name).equals(reference.history(file.name))


def test_the_state_of_a_month_changes_with_what_answers_do(
    settings: ServiceSettings, filled: Store, reference: Reference, overlay: Path
) -> None:
    measures, vintages = both(settings, filled, reference, overlay)
    states = [measures.state("XA", [MONTH])]
    assert measures.state("XA", [MONTH]) == states[0]
    late(filled)
    states.append(measures.state("XA", [MONTH]))
    vintages.publish("XA", MONTH)
    states.append(measures.state("XA", [MONTH]))
    body = batch([{"bytes": 5}], sequence="later-still")
    Ingest(filled).store_batch(decode_batch(body), body, NOW + timedelta(seconds=5))
    assert measures.state("XA", [MONTH]) == states[-1]
    assert measures.state("XA") != states[-1]
    vintages.publish("XA", MONTH, "came late")
    states.append(measures.state("XA", [MONTH]))
    assert len(set(states)) == 4
