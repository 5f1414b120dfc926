"""Brings the tables of a store to the schema of this version.

Migrations are the numbered files of `migrations/`, applied in order. Each is recorded with its SHA-256
once all its statements ran; every statement may run again, so that a kill at any step is mended by
starting once more. A file is never edited after release: a store that recorded another content for it
is refused.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable

import pyarrow as pa

from caudal.service.errors import MigrationError
from caudal.service.migration.rewriting import DEEDS
from caudal.service.migration.views import make_views
from caudal.service.store.store import Store

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
# A deed that SQL cannot do, such as reading sentences; each may run again, like a statement.
_PERFORM = re.compile(r"PERFORM (\w+)")
_RETAINED = ("flow_window", "ledger_window")

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migration
(
    number UInt32,
    name String,
    sha256 String,
    applied_at DateTime('UTC')
)
ENGINE = MergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


@dataclass(frozen=True)
class Migration:
    """A numbered file: its statements, and the SHA-256 of its bytes in hex."""

    number: int
    name: str
    sha256: str
    statements: tuple[str, ...]


def load_migrations(directory: Traversable | None = None) -> tuple[Migration, ...]:
    """Return the migrations of a directory (by default: ours) in order; raise MigrationError on a gap."""
    place = directory or resources.files(__package__) / "versions"
    found = []
    for file in place.iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            content = file.read_bytes()
            found.append(
                Migration(
                    int(match[1]),
                    file.name,
                    hashlib.sha256(content).hexdigest(),
                    tuple(_statements(content.decode())),
                )
            )
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations must be numbered 1, 2, 3 … without a gap; found {numbers}")
    return tuple(found)


def pending(store: Store, migrations: tuple[Migration, ...]) -> list[Migration]:
    """Return the migrations still to apply; raise MigrationError where the store has another history."""
    store.command(_RECORD)
    recorded = {
        number: (name, sha256)
        for number, name, sha256 in store.frame(
            "SELECT DISTINCT number, name, sha256 FROM schema_migration ORDER BY number"
        ).iter_rows()
    }
    for migration in migrations:
        if migration.number in recorded and recorded[migration.number][1] != migration.sha256:
            raise MigrationError(
                f"migration {migration.name} is not the one this store was made with (recorded "
                f"{recorded[migration.number][1][:12]}, found {migration.sha256[:12]}); a released migration is "
                "never edited: put the original back and add a new one"
            )
    newer = sorted(set(recorded) - {migration.number for migration in migrations})
    if newer:
        raise MigrationError(
            f"this store was migrated by a newer version (up to {recorded[newer[-1]][0]}); install that version"
        )
    return [migration for migration in migrations if migration.number not in recorded]


def migrate(
    store: Store, clock: Callable[[], datetime], migrations: tuple[Migration, ...] | None = None
) -> list[Migration]:
    """Apply what is still to apply, in order, and return it; then make the views of this version.

    Where `migrations` are given, these alone are applied: views of an earlier schema are those that they make themselves.
    """
    applied = pending(store, load_migrations() if migrations is None else migrations)
    for migration in applied:
        for statement in migration.statements:
            execute(store, statement)
        store.insert("schema_migration", _record(migration, clock()))
    if migrations is None:
        make_views(store)
    return applied


def execute(store: Store, statement: str) -> None:
    """Run one statement of a migration: SQL, or what `PERFORM NAME` names; raise MigrationError where nothing is named."""
    named = _PERFORM.fullmatch(statement)
    if named is None:
        store.command(statement)
    elif named[1] in DEEDS:
        DEEDS[named[1]](store)
    else:
        raise MigrationError(
            f"a migration performs {named[1]}, which this version does not know; install it whole"
        )


def set_retention(store: Store, days: int) -> None:
    """Keep raw windows for so many days after they were received; roll-ups stay for ever."""
    wanted = f"TTL received_at + toIntervalDay({days})"
    for table in _RETAINED:
        declared = store.value(
            "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
            {"name": table},
        )
        if wanted not in (declared or ""):
            store.command(f"ALTER TABLE {table} MODIFY TTL received_at + INTERVAL {int(days)} DAY")


def _statements(text: str) -> Iterator[str]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    for statement in "\n".join(lines).split(";\n"):
        if statement.strip(" \n;"):
            yield statement.strip(" \n;")


def _record(migration: Migration, now: datetime) -> pa.Table:
    return pa.table(
        {
            "number": pa.array([migration.number], pa.uint32()),
            "name": [migration.name],
            "sha256": [migration.sha256],
            "applied_at": pa.array([now], pa.timestamp("s", tz="UTC")),
        }
    )
