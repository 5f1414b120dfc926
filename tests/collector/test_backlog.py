"""What happens to closed windows while the spool takes none."""

import errno
import logging
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from caudal.collector.deliver.backlog import Backlog
from caudal.collector.deliver.spool import Segment, Spool
from caudal.contract.batch import FLOWS, LEDGER, BatchOrigin, Column, decode_batch, encode_batch, schema
from tests.support.patience import PATIENCE_SECONDS

START = datetime(2026, 11, 21, 10, tzinfo=UTC)
ORIGIN = BatchOrigin("xa-1", "demo-net", "UY", START.isoformat(), "1", "caudal tests")
VALUES = {
    "window_seconds": 300, "direction": "out", "remote_asn": 64496, "remote_country": "US", "location_rung": "cloud",
    "service": "google", "ip_version": 4, "transport": "tcp", "sampling_from": "options", "folded": False, "site": "",
    "bytes": 1000, "packets": 10, "flows": 1, "bytes_variance": 0.5, "exporter": "core-1",
}  # fmt: skip


def table(columns: tuple[Column, ...], rows: list[dict[str, object]]) -> pa.Table:
    arrays = [pa.array([row.get(c.name, VALUES.get(c.name, 0)) for row in rows], c.arrow) for c in columns]
    return pa.table(arrays, schema=schema(columns))


def window(number: int, asns: int = 50) -> tuple[pa.Table, pa.Table]:
    """One window of 300 s: so many networks of a country, and what the ledger says of them."""
    start = START + timedelta(seconds=300 * number)
    flows = [
        {"window_start": start, "remote_asn": 64496 + n, "bytes": 1000 + n * number} for n in range(asns)
    ]
    ledger = [{"window_start": start, "received": asns, "decoded": asns, "aggregated": asns}]
    return table(FLOWS, flows), table(LEDGER, ledger)


def encode(flows: pa.Table, ledger: pa.Table) -> bytes:
    return encode_batch(ORIGIN, flows, ledger)


def sums(bodies: list[bytes]) -> dict[str, float]:
    batches = [decode_batch(body) for body in bodies]
    flows = pl.concat([pl.DataFrame(pl.from_arrow(batch.flows)) for batch in batches])
    ledger = pl.concat([pl.DataFrame(pl.from_arrow(batch.ledger)) for batch in batches])
    return {name: flows[name].sum() for name in ("bytes", "packets", "flows", "bytes_variance")} | {
        name: ledger[name].sum() for name in ("received", "decoded", "aggregated")
    }


def spooled(spool: Spool) -> list[bytes]:
    return [segment.path.read_bytes() for segment in spool.segments()]


def opened(directory: Path, most_bytes: int | None = None) -> Spool:
    spool = Spool(directory / "spool", most_bytes)
    spool.open()
    return spool


def test_what_the_spool_takes_does_not_stay(tmp_path: Path) -> None:
    backlog = Backlog(opened(tmp_path), encode, 1 << 20)
    backlog.add(*window(0))
    assert backlog.write()
    assert len(backlog) == backlog.waiting_bytes == 0


def test_a_slow_disk_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one batch is written others are added; all are there in the end, once and in order."""
    begun, go_on = threading.Event(), threading.Event()
    spool = opened(tmp_path)
    put = spool.put

    def slow(body: bytes, *, beyond: bool = False) -> Segment:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return put(body, beyond=beyond)

    monkeypatch.setattr(spool, "put", slow)
    backlog = Backlog(spool, encode, 1 << 20)
    for number in range(3):
        backlog.add(*window(number))
        backlog.begin_to_write()
        assert begun.wait(PATIENCE_SECONDS)
    assert len(backlog) == 3
    go_on.set()
    backlog.close()
    assert spooled(spool) == [encode(*window(number)) for number in range(3)]


def test_a_full_spool_keeps_what_it_has_and_what_comes_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = len(encode(*window(0)))
    spool = opened(tmp_path, int(one * 2.5))
    backlog = Backlog(spool, encode, 1 << 20)
    windows = [window(number) for number in range(5)]
    for each in windows:
        backlog.add(*each)
        backlog.write()
    assert len(backlog) == 3
    assert spooled(spool) == [encode(*each) for each in windows[:2]]
    assert caplog.text.count("holds the") == 1
    assert "raise `spool_max_bytes`" in caplog.text
    for _ in range(2):  # the service takes them
        for segment in spool.segments():
            spool.done(segment)
        backlog.write()
    for segment in spool.segments():
        spool.done(segment)
    assert len(backlog) == 0
    assert (backlog.coarsened_batches, backlog.lost_batches) == (0, 0)


def test_room_made_by_hand_is_seen(tmp_path: Path) -> None:
    spool = opened(tmp_path, int(len(encode(*window(0))) * 1.5))
    backlog = Backlog(spool, encode, 1 << 20)
    for number in range(2):
        backlog.add(*window(number))
    assert not backlog.write()
    spool.segments()[0].path.unlink()
    assert backlog.write()


def test_too_much_in_memory_loses_detail_and_no_total(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bodies = [encode(*window(number)) for number in range(40)]
    spool = opened(tmp_path, 0)
    backlog = Backlog(spool, encode, sum(map(len, bodies[:12])))
    for number in range(40):
        backlog.add(*window(number))
        backlog.write()
    assert backlog.waiting_bytes <= sum(map(len, bodies[:13]))
    assert backlog.coarsened_batches > 12
    assert backlog.lost_batches == 0
    assert "the totals are not" in caplog.text
    spool.most_bytes = None
    assert backlog.write()
    assert sums(spooled(spool)) == sums(bodies)
    coarse = pl.DataFrame(pl.from_arrow(decode_batch(spooled(spool)[0]).flows))
    assert set(coarse["remote_asn"]) == {0}
    assert set(coarse["window_seconds"]) == {3600}
    assert coarse["folded"].all()
    assert {(moment.minute, moment.second) for moment in coarse["window_start"]} == {(0, 0)}
    assert set(coarse["remote_country"]) == {"US"}


def test_what_is_lost_in_the_end_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    backlog = Backlog(opened(tmp_path, 0), encode, 10)
    truth = sums([encode(*window(number)) for number in range(3)])
    for number in range(3):
        backlog.add(*window(number))
        backlog.write()
    assert len(backlog) == 0
    assert (backlog.lost_batches, backlog.lost_bytes) == (3, truth["bytes"])
    assert caplog.text.count("is lost: ") == 3


def test_at_the_end_the_rest_is_written_beyond_the_bound(tmp_path: Path) -> None:
    spool = opened(tmp_path, 0)
    backlog = Backlog(spool, encode, 1 << 20)
    for number in range(10):
        backlog.add(*window(number))
    backlog.close()
    assert len(spool.segments()) == 1
    assert sums(spooled(spool)) == sums([encode(*window(number)) for number in range(10)])
    assert backlog.lost_batches == 0


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.collector.test_backlog import Backlog, encode, opened, window
directory, most = Path(sys.argv[1]), int(sys.argv[3])
spool = opened(directory)
backlog = Backlog(spool, encode, 1 << 20)
# The system refuses every file longer than this, as a full disk refuses what does not fit.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
for number in range(3):
    backlog.add(*window(number))
assert not backlog.write() and len(backlog) == 3
assert [path.name for path in spool.directory.glob("*") if path.is_file()] == []
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert backlog.write()
"""


def test_writes_that_the_system_refuses_half_way(tmp_path: Path) -> None:
    """A real short write: part of a batch reaches the disk, and nothing of it is taken for one."""
    root = Path(__file__).parents[2]
    half = len(encode(*window(0))) // 2
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(root), str(half)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stderr
    assert sums(spooled(Spool(tmp_path / "spool"))) == sums([encode(*window(number)) for number in range(3)])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_file_system_that_is_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this system lets nobody mount a file system")
    try:
        spool = opened(place)
        backlog = Backlog(spool, encode, 1 << 20)
        ballast = place / "ballast"
        with ballast.open("wb") as file, pytest.raises(OSError) as caught:
            while True:
                os.write(file.fileno(), bytes(4096))
        assert caught.value.errno == errno.ENOSPC
        backlog.add(*window(0))
        with caplog.at_level(logging.ERROR):
            assert not backlog.write()
        assert "No space left on device" in caplog.text
        ballast.unlink()
        assert backlog.write()
        assert spooled(spool) == [encode(*window(0))]
    finally:
        subprocess.run(["umount", str(place)], check=True)
