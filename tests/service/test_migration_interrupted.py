from pathlib import Path

from caudal.service.migration.migration import execute, load_migrations, migrate, pending
from caudal.service.store.store import Store
from tests.support.samples import NOW


def test_a_kill_between_any_two_statements_is_mended(tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / 'store'}") as store:
        interrupt_and_migrate(store)


def interrupt_and_migrate(store: Store) -> None:
    migrations = load_migrations()
    for migration in migrations:
        for last in range(len(migration.statements)):
            for statement in migration.statements[: last + 1]:
                execute(store, statement)
    assert [m.number for m in pending(store, migrations)] == [m.number for m in migrations]
    assert [m.number for m in migrate(store, lambda: NOW)] == [m.number for m in migrations]
    assert migrate(store, lambda: NOW) == []
    applied = store.frame(
        "SELECT number, sha256, toUInt32(applied_at) AS at FROM schema_migration ORDER BY number"
    )
    assert applied.rows() == [(m.number, m.sha256, int(NOW.timestamp())) for m in migrations]
