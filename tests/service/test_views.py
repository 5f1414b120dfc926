"""The views of flows with their interpretation: made of one text for all grains, and anew where they are not those of this version."""

from pathlib import Path

from caudal.service.migration.migration import load_migrations, migrate
from caudal.service.migration.views import GRAINS, make_views, views
from caudal.service.store.store import Store
from tests.support.samples import NOW


def definitions(store: Store) -> dict[str, str]:
    """Return the text of each view of flows, as the engine has it."""
    return dict(
        store.frame(
            "SELECT name, as_select FROM system.tables WHERE database = currentDatabase() AND engine = 'View' "
            "AND name LIKE 'flow_%'"
        ).iter_rows()
    )


def test_every_grain_has_the_same_views() -> None:
    made = views(("time", "economy"))
    assert len(made) == 2 * len(GRAINS)
    for grain in GRAINS:
        for kind in ("attributed", "counted"):
            of_grain = made[f"flow_{kind}_{grain}"].replace(f"flow_{grain}", "flow_hour")
            assert of_grain.replace(f"attributed_{grain}", "attributed_hour") == made[f"flow_{kind}_hour"]


def test_views_that_are_not_of_this_version_are_made_anew(tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / 'store'}") as store:
        migrate(store, lambda: NOW)
        wanted = definitions(store)
        assert len(wanted) == 2 * len(GRAINS)
        assert make_views(store) == []
        # As an earlier version left them, and as somebody else did.
        store.command("CREATE OR REPLACE VIEW flow_attributed_day AS SELECT 1 AS time")
        store.command("DROP VIEW flow_counted_month")
        assert migrate(store, lambda: NOW) == []
        assert definitions(store) == wanted


def test_migrations_of_an_earlier_version_make_their_own_views(tmp_path: Path) -> None:
    with Store(f"chdb://{tmp_path / 'store'}") as store:
        migrate(store, lambda: NOW, load_migrations()[:4])
        assert set(definitions(store)) == {f"flow_attributed_{grain}" for grain in GRAINS}
        migrate(store, lambda: NOW)
        assert len(definitions(store)) == 2 * len(GRAINS)
