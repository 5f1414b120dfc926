"""A disk that really is full: a file system of 48 MiB, and a batch that does not fit into it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from caudal.contract.batch import batch_id, decode_batch
from caudal.service.errors import StoreError, StoreFull
from caudal.service.ingest import Accepted, Ingest, Order, Space, State
from caudal.service.migration.migration import migrate
from caudal.service.queries.batches import BatchQuery, batches
from caudal.service.store.store import Store
from tests.support.samples import NOW, random_batch

from .test_ingest import totals, truth


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a file system can be mounted by root only")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def put(ingest: Ingest, body: bytes) -> object:
    return ingest.store_batch(decode_batch(body), body, NOW)


def fill(place: Path, left: int) -> Path:
    """Leave so many bytes free, as somebody else's files would."""
    ballast = place / "ballast"
    free = Space.of(place, 0)._free()
    assert free is not None
    ballast.write_bytes(b"\0" * (free - left))
    return ballast


def test_what_does_not_fit_is_refused_before_it_begins(small_disk: Path) -> None:
    with Store(f"chdb://{small_disk}/store") as store:
        migrate(store, lambda: NOW)
        ingest = Ingest(store, Space.of(store.directory, 4 << 20))
        large, small = random_batch(1, rows=200_000), random_batch(2, rows=20)
        with pytest.raises(StoreFull, match="make room, or send smaller batches"):
            put(ingest, large)
        assert isinstance(put(ingest, small), Accepted)
        assert totals(store) == truth(small)


def test_a_disk_that_fills_in_the_middle_stops_nobody_else(small_disk: Path) -> None:
    large, small, other = random_batch(1, rows=60_000), random_batch(2, rows=20), random_batch(3, rows=20)
    with Store(f"chdb://{small_disk}/store") as store:
        migrate(store, lambda: NOW)
        # It does not look at the space: somebody else takes it meanwhile.
        ingest = Ingest(store)
        put(ingest, small)
        ballast = fill(small_disk, len(large) + (3 << 20))
        with pytest.raises(StoreFull, match="is full"):
            put(ingest, large)
        assert isinstance(put(ingest, other), Accepted)
        [aside], _ = batches(store, BatchQuery(state=State.quarantined))
        assert aside.batch_id == batch_id(large)
        ballast.unlink()
        assert ingest.change(batch_id(large), Order.retry, "there is room again").state is State.counted
        assert totals(store) == truth(large, small, other)


def test_nothing_is_merged_below_the_reserve(small_disk: Path) -> None:
    """What the engine merges onto a disk that fills up meanwhile may come out empty, and replace what was whole."""
    with Store(f"chdb://{small_disk}/store") as store:
        migrate(store, lambda: NOW)
        ingest = Ingest(store, Space.of(store.directory, 8 << 20))
        for number in range(3):
            put(ingest, random_batch(number, rows=20))
        ballast = fill(small_disk, 6 << 20)
        assert ingest.short_of_space() is not None
        with pytest.raises(StoreError):
            store.command("OPTIMIZE TABLE batch FINAL")
        ballast.unlink()
        assert ingest.short_of_space() is None
        store.command("OPTIMIZE TABLE batch FINAL")
        parts = "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'batch'"
        assert store.value(parts) == 1
