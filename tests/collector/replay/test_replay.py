"""Captured exports come into the spool once, as a collector would have metered them."""

import gzip
import json
import os
from pathlib import Path

import pyarrow.compute as pc
import pytest

from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import SpoolFull
from caudal.collector.receive.receivingtimes import FILE as TIMES_FILE
from caudal.collector.receive.receivingtimes import ReceivingTimes, Span, received
from caudal.collector.replay.journal import ReplayError, hand_over
from caudal.collector.replay.replay import Replayed, ReplayQuestion, finish, replay
from caudal.collector.settings.settings import CollectorSettings
from caudal.contract.batch import Batch, decode_batch
from tests.support.builders import (
    BASIC,
    HOME,
    NOW_MS,
    ROUTER,
    SECONDS,
    TABLE,
    a_set,
    basic,
    netflow5,
    netflow9,
    record5,
    template,
)

from .captures import Sent, capture

_MINUTE = 60_000


@pytest.fixture
def settings(tmp_path: Path) -> CollectorSettings:
    (tmp_path / "state").mkdir(mode=0o700)
    return CollectorSettings.model_validate(
        {
            "collector": "xa-1",
            "operator": "demo-net",
            "economy": "UY",
            "home": HOME,
            "state_directory": tmp_path / "state",
            "k_anonymity": 1,
            "service": {"url": "http://127.0.0.1:1", "token_file": tmp_path / "token"},
            "exporters": {"192.0.2.7": {"name": "edge-7"}},
        }
    )


def play(settings: CollectorSettings, *paths: Path, **question: object) -> Replayed:
    asked = ReplayQuestion(paths, **question)  # type: ignore[arg-type]
    return replay(asked, settings, lambda: TABLE, wall=lambda: SECONDS + 86_400)  # type: ignore[arg-type, return-value]


def a_day(minutes: int = 60, octets: int = 1000, start: int = 0) -> list[Sent]:
    """A datagram of one flow record each minute."""
    return [
        (
            NOW_MS + minute * _MINUTE,
            netflow5(
                [record5(octets=octets, packets=1)], seconds=SECONDS + minute * 60, sequence=minute - start
            ),
        )
        for minute in range(start, start + minutes)
    ]


def spooled(settings: CollectorSettings) -> list[Batch]:
    spool = Spool(settings.state_directory / "spool")
    return [decode_batch(segment.path.read_bytes()) for segment in spool.segments()]


def total(settings: CollectorSettings, name: str) -> int:
    batches = spooled(settings)
    tables = [batch.flows if name in batch.flows.schema.names else batch.ledger for batch in batches]
    return sum(pc.sum(table[name]).as_py() or 0 for table in tables)


def test_what_was_captured_is_in_the_spool_window_by_window(
    tmp_path: Path, settings: CollectorSettings
) -> None:
    done = play(settings, capture(tmp_path / "day.pcap", a_day()))
    assert (done.datagrams, done.exporters, done.left_out) == (60, 1, 0)
    assert done.batches == done.spooled == len(spooled(settings)) > 1
    assert total(settings, "bytes") == 60_000
    assert total(settings, "received") == total(settings, "decoded") == total(settings, "aggregated") == 60
    assert total(settings, "lost") == 0
    windows = {start for batch in spooled(settings) for start in batch.flows["window_start"].to_pylist()}
    assert len(windows) == 12
    origin = spooled(settings)[0].origin
    assert (origin.collector, origin.operator, origin.economy) == ("xa-1", "demo-net", "UY")


def test_a_given_name_and_a_pseudonym_are_those_of_the_collector(
    tmp_path: Path, settings: CollectorSettings
) -> None:
    (settings.state_directory / "pseudonym.key").write_bytes(bytes(32))
    play(
        settings,
        capture(tmp_path / "a.pcap", a_day(), "192.0.2.7"),
        capture(tmp_path / "b.pcap", a_day(), ROUTER),
    )
    names = {name for batch in spooled(settings) for name in batch.ledger["exporter"].to_pylist()}
    assert "edge-7" in names
    assert len(names) == 2
    assert (settings.state_directory / "pseudonym.key").read_bytes() == bytes(32)


def test_the_same_file_is_refused_in_one_line(tmp_path: Path, settings: CollectorSettings) -> None:
    path = capture(tmp_path / "day.pcap", a_day())
    play(settings, path)
    with pytest.raises(ReplayError, match=r"day\.pcap was replayed at 2026-01-02 .*--again"):
        play(settings, path)
    assert total(settings, "bytes") == 60_000
    play(settings, path, again=True)
    assert total(settings, "bytes") == 120_000


@pytest.mark.parametrize("form", ["gzip", "longer", "part"])
def test_the_same_time_of_a_router_in_another_file_is_refused(
    tmp_path: Path, settings: CollectorSettings, form: str
) -> None:
    path = capture(tmp_path / "day.pcap", a_day())
    play(settings, path)
    other = tmp_path / "other.pcap"
    if form == "gzip":
        other.write_bytes(gzip.compress(path.read_bytes()))
    else:
        capture(other, a_day(90) if form == "longer" else a_day(10, start=20))
    with pytest.raises(
        ReplayError, match="2026-01-01 00:00:00 UTC to 2026-01-01 00:59:00 UTC, some of which"
    ):
        play(settings, other)
    assert total(settings, "bytes") == 60_000


def test_other_times_and_other_routers_are_not_the_same(tmp_path: Path, settings: CollectorSettings) -> None:
    play(settings, capture(tmp_path / "1.pcap", a_day(30)))
    play(settings, capture(tmp_path / "2.pcap", a_day(30, start=30)))
    play(settings, capture(tmp_path / "3.pcap", a_day(60), "192.0.2.8"))
    play(settings, capture(tmp_path / "4.pcap", a_day(90)), since_ms=NOW_MS + 60 * _MINUTE)
    assert total(settings, "bytes") == 150_000


def test_between_two_files_of_one_replay_there_is_room_for_a_third(
    tmp_path: Path, settings: CollectorSettings
) -> None:
    first, last = (capture(tmp_path / f"{start}.pcap", a_day(10, start=start)) for start in (0, 40))
    play(settings, first, last)
    play(settings, capture(tmp_path / "20.pcap", a_day(10, start=20)))
    assert total(settings, "bytes") == 30_000


def test_the_same_capture_twice_in_one_replay_is_refused(tmp_path: Path, settings: CollectorSettings) -> None:
    path = capture(tmp_path / "day.pcap", a_day())
    packed = tmp_path / "day.pcap.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ReplayError, match="two of these files hold what exporter-"):
        play(settings, path, packed)
    assert spooled(settings) == []


def test_what_the_collector_received_is_left_out(tmp_path: Path, settings: CollectorSettings) -> None:
    times = settings.state_directory / TIMES_FILE
    clock = [SECONDS + 0.0]
    for start, end in ((-3600, 600), (1800, 7200)):
        clock[0] = SECONDS + start
        with ReceivingTimes(times, lambda: clock[0], lambda: clock[0]):
            clock[0] = SECONDS + end
    path = capture(tmp_path / "day.pcap", a_day())
    done = play(settings, path)
    assert (done.datagrams, done.left_out) == (19, 41)  # minutes 11 to 29
    assert total(settings, "bytes") == 19_000
    with pytest.raises(ReplayError, match="60 datagrams were captured while the collector was receiving"):
        play(settings, capture(tmp_path / "later.pcap", a_day(60, start=30), "192.0.2.9"))
    done = play(settings, capture(tmp_path / "b.pcap", a_day(), "192.0.2.9"), received_too=True)
    assert (done.datagrams, done.left_out) == (60, 0)


def test_a_collector_that_was_killed_has_noted_a_little_more(tmp_path: Path) -> None:
    clock = [1000.0]
    times = ReceivingTimes(tmp_path / TIMES_FILE, lambda: clock[0], lambda: clock[0])
    times.__enter__()
    clock[0] = 1011.0
    times.tick()
    assert received(tmp_path / TIMES_FILE) == [Span(1_000_000, 1_031_000)]
    clock[0] = 2000.0
    with ReceivingTimes(tmp_path / TIMES_FILE, lambda: clock[0], lambda: clock[0]):
        clock[0] = 2001.0
    assert received(tmp_path / TIMES_FILE) == [Span(1_000_000, 1_031_000), Span(2_000_000, 2_001_000)]
    (tmp_path / TIMES_FILE).write_text('{"no": 1}')
    assert received(tmp_path / TIMES_FILE) == []


def remember(settings: CollectorSettings, *datagrams: bytes) -> None:
    """Have a collector learn something and keep it."""
    from caudal.collector.exporters.pseudonym import pseudonym, read_or_make_key
    from caudal.collector.memory.exportermemory import FILE, ExporterMemory
    from caudal.collector.pipeline.blueprint import pipeline_of
    from tests.support.builders import lot

    key = read_or_make_key(settings.state_directory / "pseudonym.key")
    pipeline = pipeline_of(settings, TABLE)  # type: ignore[arg-type]
    number = pipeline.exporters.number(ROUTER)
    memory = ExporterMemory(
        settings.state_directory / FILE, pipeline.exporters, pipeline.decoder, pipeline.ledger,
        lambda address: pseudonym(key, address), wall=lambda: SECONDS + 60.0,
    )  # fmt: skip
    with memory:
        pipeline.memory = memory
        pipeline.datagrams(lot(datagrams, number))


def test_templates_that_the_capture_lacks_are_those_remembered(
    tmp_path: Path, settings: CollectorSettings
) -> None:
    remember(settings, netflow9(template(256, *BASIC), sequence=700_000))
    state = (settings.state_directory / "exporters.state").read_bytes()
    sent = [(NOW_MS + n, netflow9(a_set(256, basic()), sequence=n)) for n in range(5)]
    play(settings, capture(tmp_path / "day.pcap", sent))
    assert total(settings, "bytes") == 5_000
    assert (total(settings, "waiting"), total(settings, "malformed"), total(settings, "lost_datagrams")) == (
        0,
        0,
        0,
    )
    assert (settings.state_directory / "exporters.state").read_bytes() == state


def test_a_template_that_the_capture_has_itself_goes_before_one_remembered(
    tmp_path: Path, settings: CollectorSettings
) -> None:
    """The router sends octets and packets the other way round by now."""
    remember(settings, netflow9(template(256, *BASIC[:2], BASIC[3], BASIC[2])))
    data = a_set(256, basic(octets=1000, packets=10))
    sent = [
        (NOW_MS, netflow9(data, sequence=0)),
        (NOW_MS + 1, netflow9(template(256, *BASIC), data, sequence=1)),
    ]
    play(settings, capture(tmp_path / "day.pcap", sent))
    assert (total(settings, "bytes"), total(settings, "packets")) == (2_000, 20)


def test_state_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, settings: CollectorSettings) -> None:
    (settings.state_directory / "exporters.state").write_bytes(b"nothing")
    done = play(settings, capture(tmp_path / "day.pcap", a_day()))
    assert any("remembers were not used: it has no head" in note for note in done.notes)
    assert (settings.state_directory / "exporters.state").read_bytes() == b"nothing"


def test_a_capture_that_was_cut_short_is_replayed_up_to_there(
    tmp_path: Path, settings: CollectorSettings
) -> None:
    path = capture(tmp_path / "day.pcap", a_day())
    os.truncate(path, path.stat().st_size - 5)
    done = play(settings, path)
    assert total(settings, "bytes") == 59_000
    assert any("what came before it is replayed" in note for note in done.notes)


@pytest.mark.parametrize("content", [b"", b"hello", netflow5([record5()])])
def test_other_files_are_refused(tmp_path: Path, settings: CollectorSettings, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="other: "):
        play(settings, path)
    assert list((settings.state_directory / "replays").iterdir()) == [
        settings.state_directory / "replays" / "lock"
    ]


def test_what_is_older_than_the_service_takes_is_refused(tmp_path: Path, settings: CollectorSettings) -> None:
    sent = [(NOW_MS - 400 * 86_400_000, netflow5([record5()], seconds=SECONDS - 400 * 86_400))]
    with pytest.raises(ReplayError, match="older than 365 days"):
        play(settings, capture(tmp_path / "old.pcap", sent))


def test_a_spool_without_room_takes_it_later(tmp_path: Path, settings: CollectorSettings) -> None:
    small = settings.model_copy(update={"spool_max_bytes": 100})
    done = play(small, capture(tmp_path / "day.pcap", a_day()))
    assert done.spooled == 0
    assert "raise `spool_max_bytes`, and do this again" in done.waiting
    with pytest.raises(SpoolFull):
        finish(small)
    assert finish(settings).spooled == done.batches
    assert total(settings, "bytes") == 60_000
    assert finish(settings).spooled == 0


def test_two_at_once_are_refused(tmp_path: Path, settings: CollectorSettings) -> None:
    path = capture(tmp_path / "day.pcap", a_day())

    def table() -> object:
        with pytest.raises(ReplayError, match="another replay is at work"):
            play(settings, path)
        return TABLE

    replay(ReplayQuestion([path]), settings, table, wall=lambda: SECONDS + 86_400)  # type: ignore[arg-type]
    assert total(settings, "bytes") == 60_000


def test_what_is_kept_names_no_address_and_no_file(tmp_path: Path, settings: CollectorSettings) -> None:
    play(settings, capture(tmp_path / "from-192.0.2.1.pcap", a_day()))
    (manifest,) = (settings.state_directory / "replays").rglob("manifest.json")
    kept = manifest.read_text()
    assert ROUTER not in kept
    assert "pcap" not in kept
    assert json.loads(kept)["datagrams"] == 60
    for path in (settings.state_directory / "replays").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_manifest_that_cannot_be_read_stops_the_next(tmp_path: Path, settings: CollectorSettings) -> None:
    play(settings, capture(tmp_path / "day.pcap", a_day()))
    (manifest,) = (settings.state_directory / "replays").rglob("manifest.json")
    manifest.write_text("{}")
    with pytest.raises(ReplayError, match="says what was replayed"):
        play(settings, capture(tmp_path / "other.pcap", a_day(), "192.0.2.8"))


def test_a_collector_hands_over_what_a_replay_left(tmp_path: Path, settings: CollectorSettings) -> None:
    small = settings.model_copy(update={"spool_max_bytes": 100})
    done = play(small, capture(tmp_path / "day.pcap", a_day()))
    spool = Spool(settings.state_directory / "spool", 1 << 20)
    spool.open()
    assert hand_over(settings.state_directory, spool) == done.batches
    assert total(settings, "bytes") == 60_000
    assert spool.put(b"next").path.exists()
