"""The record: whoever edits, removes, inserts or cuts is found out, and the line is named."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from caudal.service.access.audit import NOTHING_BEFORE, Audit, AuditLine
from caudal.service.access.notes import KINDS_MOST, Notes
from caudal.service.errors import StoreError
from caudal.service.migration.migration import migrate
from caudal.service.roles.actor import ANYBODY, Actor
from caudal.service.roles.roles import Role
from caudal.service.store.store import Store

NOW = datetime(2026, 11, 21, 12, 30, 15, 123456, tzinfo=UTC)
ADMIN = Actor(Role.admin, "admin", credential="token file")
COLUMNS = "number, time, actor, role, credential, deed, subject, outcome, detail, previous, hash"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    directory: Path = tmp_path_factory.mktemp("audit") / "store"
    with Store(f"chdb://{directory}") as store:
        migrate(store, lambda: NOW)
        yield store


@pytest.fixture
def audit(opened: Store) -> Audit:
    """A record of ten lines, opened anew."""
    opened.command("TRUNCATE TABLE audit")
    written = Audit(opened, lambda: NOW)
    for number in range(10):
        written.write(ADMIN, "key.make", f"key {number}", detail={"role": "analyst", "of": [1, None]})
    return Audit(opened, lambda: NOW)


def change(store: Store, number: int, **values: str) -> None:
    """Edit a line, as somebody who may write to the store."""
    sets = ", ".join(f"{name} = '{value}'" for name, value in values.items())
    store.command(f"ALTER TABLE audit UPDATE {sets} WHERE number = {number} SETTINGS mutations_sync = 2")


def remove(store: Store, where: str) -> None:
    store.command(f"ALTER TABLE audit DELETE WHERE {where} SETTINGS mutations_sync = 2")


def test_a_record_that_is_whole(audit: Audit) -> None:
    found = audit.verify()
    assert (found.lines, found.wrong_line, found.fault) == (10, None, None)
    [newest] = audit.page(None, 1)
    assert found.newest == newest.hash
    assert json.loads(newest.detail) == {"role": "analyst", "of": [1, None]}
    assert newest.time == NOW.replace(microsecond=123000)
    assert audit.verify(audit.page(6, 1)[0].hash).fault is None


def test_the_first_follows_nothing(audit: Audit, opened: Store) -> None:
    assert audit.page(2, 1)[0].previous == NOTHING_BEFORE
    opened.command("TRUNCATE TABLE audit")
    assert Audit(opened, lambda: NOW).verify().newest == NOTHING_BEFORE


@pytest.mark.parametrize("column", COLUMNS.split(", ")[2:9])
def test_a_line_that_was_edited(audit: Audit, opened: Store, column: str) -> None:
    change(opened, 4, **{column: "refused"})
    found = audit.verify()
    assert (found.lines, found.wrong_line) == (3, 4)
    assert found.fault is not None
    assert "edited" in found.fault


def test_a_time_that_was_edited(audit: Audit, opened: Store) -> None:
    opened.command(
        "ALTER TABLE audit UPDATE time = time + INTERVAL 1 MILLISECOND WHERE number = 4 SETTINGS mutations_sync = 2"
    )
    assert audit.verify().wrong_line == 4


def test_a_line_that_was_edited_with_its_hash(audit: Audit, opened: Store) -> None:
    [line] = audit.page(5, 1)
    forged = AuditLine(**{**vars(line), "actor": "somebody", "hash": ""})
    change(opened, 4, actor="somebody", hash=forged.computed_hash())
    found = audit.verify()
    assert found.wrong_line == 5
    assert "does not follow the line before" in str(found.fault)


def test_a_line_that_was_removed(audit: Audit, opened: Store) -> None:
    remove(opened, "number = 4")
    found = audit.verify()
    assert (found.wrong_line, found.fault) == (5, "line 4 is missing: it was removed")


def test_a_line_that_was_removed_and_the_numbers_closed(audit: Audit, opened: Store) -> None:
    rows = [vars(line) for line in reversed(audit.page(None, 100)) if line.number != 4]
    for number, row in enumerate(rows, 1):
        row["number"] = number
    replace(opened, rows)
    found = audit.verify()
    assert found.wrong_line == 4


@pytest.mark.parametrize("number", [1, 5, 10])
def test_a_line_that_was_inserted(audit: Audit, opened: Store, number: int) -> None:
    [line] = audit.page(number + 1, 1)
    forged = AuditLine(**{**vars(line), "subject": "key forged", "hash": ""})
    rows = [vars(each) for each in audit.page(None, 100)]
    replace(opened, [*rows, {**vars(forged), "hash": forged.computed_hash()}])
    found = audit.verify()
    assert found.wrong_line == number if number == 10 else found.wrong_line in (number, number + 1)
    assert found.fault is not None


def replace(store: Store, rows: list[dict[str, object]]) -> None:
    """Have the table hold these rows, as somebody who may write to the store."""
    store.command("TRUNCATE TABLE audit")
    columns = {name: [row[name] for row in rows] for name in COLUMNS.split(", ")}
    columns["number"] = pa.array(columns["number"], pa.uint64())
    columns["time"] = pa.array(columns["time"], pa.timestamp("ms", tz="UTC"))
    store.insert("audit", pa.table(columns))


def test_an_end_that_was_cut_is_found_by_a_hash_that_was_kept(audit: Audit, opened: Store) -> None:
    kept = audit.verify().newest
    remove(opened, "number > 7")
    assert audit.verify().fault is None  # nothing in the store can tell
    found = audit.verify(kept)
    assert (found.lines, found.wrong_line) == (7, 8)
    assert "the end was cut" in str(found.fault)


def test_an_end_that_was_cut_while_the_service_runs(audit: Audit, opened: Store) -> None:
    audit.write(ADMIN, "publish", "XA-2026-08-v1")
    remove(opened, "number > 7")
    found = audit.verify()
    assert found.wrong_line == 8
    assert "it wrote 11 lines" in str(found.fault)


def test_what_is_written_while_it_is_read_is_no_fault(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    audit.write(ADMIN, "key.make", "the eleventh")
    read = audit._lines

    def lines() -> Iterator[AuditLine]:
        yield from list(read())
        audit.write(ADMIN, "key.make", "the twelfth")

    monkeypatch.setattr(audit, "_lines", lines)
    found = audit.verify()
    assert (found.lines, found.fault) == (11, None)


def test_a_record_written_anew_from_a_line_on(audit: Audit, opened: Store) -> None:
    kept = audit.verify().newest
    remove(opened, "number > 7")
    Audit(opened, lambda: NOW).write_all([])
    other = Audit(opened, lambda: NOW)
    for _ in range(5):
        other.write(ADMIN, "publish", "another story")
    assert other.verify().fault is None
    assert other.verify(kept).wrong_line == 13


def test_pages(audit: Audit) -> None:
    assert [line.number for line in audit.page(None, 3)] == [10, 9, 8]
    assert [line.number for line in audit.page(8, 3)] == [7, 6, 5]
    assert audit.page(None, 10, "publish") == []


def test_hashes_go_to_the_log(audit: Audit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "caudal.service.access.audit")
    audit.write(ADMIN, "publish", "XA-2026-08-v1")
    assert caplog.messages == [f"audit line 11: publish done, hash {audit.verify().newest}"]


def test_whatever_text_there_is_can_be_kept(audit: Audit) -> None:
    odd = Actor(Role.analyst, "\ud800 \x00 \n ü 𝄞" + "x" * 10_000, credential="key 1")
    audit.write(odd, "read", "\ud800", detail={"reason": "\udfff\n"})
    assert audit.verify().fault is None
    [line] = audit.page(None, 1)
    assert len(line.actor) == 500


def test_many_threads_make_one_chain(audit: Audit) -> None:
    def write() -> None:
        for _ in range(5):
            audit.write(ADMIN, "read", "exact")

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = audit.verify()
    assert (found.lines, found.fault) == (40, None)


def test_after_a_write_that_failed_the_chain_goes_on(audit: Audit, opened: Store) -> None:
    audit.write(ADMIN, "read", "exact")
    opened.command("RENAME TABLE audit TO audit_away")
    with pytest.raises(StoreError):
        audit.write(ADMIN, "read", "exact")
    opened.command("RENAME TABLE audit_away TO audit")
    audit.write(ADMIN, "read", "exact")
    found = audit.verify()
    assert (found.lines, found.fault) == (12, None)


def test_what_happens_often_is_a_line_with_its_number(audit: Audit) -> None:
    notes = Notes(audit)
    for _ in range(5000):
        notes.note(ANYBODY, "refused", "without a valid key", "refused")
    notes.note(ADMIN, "refused", "publish", "refused")
    notes.flush()
    lines = audit.page(None, 2)
    assert [(each.actor, json.loads(each.detail)) for each in reversed(lines)] == [
        ("anybody", {"times": 5000}),
        ("admin", {"times": 1}),
    ]
    notes.flush()
    assert audit.page(None, 1)[0].number == 12


def test_notes_are_bounded(audit: Audit) -> None:
    notes = Notes(audit)
    for number in range(KINDS_MOST + 500):
        notes.note(Actor(Role.analyst, f"a{number}", credential="key"), "read", "exact", "done")
    notes.flush()
    [newest] = audit.page(None, 1)
    assert newest.number == 10 + KINDS_MOST
    assert json.loads(newest.detail) == {"times": 1, "and_others": 500}
    assert audit.verify().fault is None


def test_notes_that_cannot_be_written_wait(
    audit: Audit, opened: Store, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes(audit)
    notes.note(ADMIN, "read", "exact", "done")
    opened.command("RENAME TABLE audit TO audit_away")
    notes.flush()
    assert "the audit log cannot be written" in caplog.text
    opened.command("RENAME TABLE audit_away TO audit")
    notes.note(ADMIN, "read", "exact", "done")
    notes.flush()
    assert json.loads(audit.page(None, 1)[0].detail) == {"times": 2}


def test_the_first_note_is_written_at_once_and_the_rest_when_it_stops(audit: Audit) -> None:
    notes = Notes(audit)
    notes.start()
    notes.note(ADMIN, "read", "exact", "done")
    for _ in range(10_000):
        if audit.page(None, 1)[0].number > 10:
            break
    for _ in range(3):
        notes.note(ADMIN, "read", "exact", "done")
    notes.stop()
    assert [json.loads(each.detail)["times"] for each in audit.page(None, 2)] == [3, 1]
