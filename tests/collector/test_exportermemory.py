"""Templates and sampling rates over restarts and evictions; the list of exporters under a flood."""

import logging
import struct
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from caudal.collector.columns.datagrams import NO_ROOM, Exporters
from caudal.collector.columns.flowrecords import OPTIONS, FlowRecords, concatenate
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.exporters.ledger import COUNT, Ledger
from caudal.collector.exporters.pseudonym import pseudonym
from caudal.collector.memory.exportermemory import FILE, UNSEEN_DAYS, ExporterMemory
from tests.support.builders import (
    BASIC,
    NOW_MS,
    OCTETS,
    SECONDS,
    a_set,
    basic,
    ipfix,
    lot,
    netflow5,
    netflow9,
    options9,
    options10,
    record5,
    template,
)
from tests.support.effort import effort

KEY = bytes(32)
DAY = 86_400


class Half:
    """The first half of a collector: exporters, decoder, ledger and memory, on a clock that is set by hand."""

    def __init__(
        self, directory: Path, *, limit: int = 65_536, seconds: float = SECONDS, **limits: int
    ) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.exporters = Exporters(limit, clock=lambda: self.now)
        self.ledger = Ledger(300_000)
        rates = SamplingRates(self.exporters.addresses, {})
        self.decoder = Decoder(self.ledger, rates, **limits)
        self.memory = ExporterMemory(
            directory / FILE, self.exporters, self.decoder, self.ledger, partial(pseudonym, KEY),
            clock=lambda: self.now, wall=lambda: self.seconds + self.now,
        )  # fmt: skip

    def decode(self, *sent: tuple[str, bytes]) -> FlowRecords:
        numbers = [self.exporters.number(address) for address, _ in sent]
        datagrams = lot([payload for _, payload in sent], numbers, int((self.seconds + self.now) * 1000))
        self.exporters.heard(datagrams.exporter)
        self.memory.recall()
        return self.decoder.decode(datagrams)

    def pass_(self, seconds: float) -> list[int]:
        self.now += seconds
        return self.memory.tick()

    def settle(self) -> None:
        """Wait for the writer."""
        self.memory._written(wait=True)

    def count(self, name: str) -> int:
        return int(self.ledger.totals[COUNT[name]])

    def balanced(self) -> bool:
        rows = self.ledger.take(None, str).to_pylist()
        return all(
            row["received"] == row["decoded"] + row["waiting"] + row["malformed"] + row["filtered"]
            for row in rows
        )


A, B = "192.0.2.1", "2001:db8::3"
SAMPLED = template(257, *BASIC, (48, 1))
LEARN9 = netflow9(
    options9(300, [(1, 4)], [(48, 1), (50, 4)]), SAMPLED, a_set(300, struct.pack(">IBI", 1, 1, 500)), domain=7
)
DATA9 = netflow9(a_set(257, basic() + b"\1"), domain=7, sequence=2)
BOOT_MS = NOW_MS - 3_600_000
LEARN10 = ipfix(
    options10(300, [(130, 4)], [(160, 8)]),
    template(256, (22, 4), (21, 4), OCTETS, ipfix=True),
    a_set(300, struct.pack(">IQ", 1, BOOT_MS)),
)
DATA10 = ipfix(a_set(256, struct.pack(">III", 1000, 2000, 77)))


def test_after_a_restart_data_decodes_at_once(tmp_path: Path) -> None:
    """Templates, rates from options records and IPFIX boot times: as if it had never stopped."""
    first = Half(tmp_path)
    with first.memory:
        first.decode((A, LEARN9), (B, LEARN10))
        before = first.decode((A, DATA9), (B, DATA10))
    second = Half(tmp_path)
    with second.memory:
        # In another order: numbers are not what they were.
        after = second.decode((B, DATA10), (A, DATA9))
    assert sorted(after.bytes.tolist()) == sorted(before.bytes.tolist()) == [77, 1000]
    assert after.sampling_rate[after.bytes == 1000].tolist() == [500]
    assert after.sampling_from[after.bytes == 1000].tolist() == [OPTIONS]
    assert after.start_ms[after.bytes == 77].tolist() == [BOOT_MS + 1000]
    assert (second.count("waiting"), second.count("malformed"), second.count("decoded")) == (0, 0, 2)


def test_no_address_is_in_the_file(tmp_path: Path) -> None:
    half = Half(tmp_path)
    with half.memory:
        half.decode((A, LEARN9), (B, LEARN10))
    content = (tmp_path / FILE).read_bytes()
    assert pseudonym(KEY, A).encode() in content
    for address in (A, B, "192.0.2", "2001:db8"):
        assert address.encode() not in content


def test_changes_are_on_disk_after_a_few_seconds(tmp_path: Path) -> None:
    """What kill -9 may lose: nothing is closed here."""
    half = Half(tmp_path)
    with half.memory:
        half.decode((A, LEARN9))
        half.pass_(6)
        half.settle()
        second = Half(tmp_path)
        with second.memory:
            assert len(second.decode((A, DATA9))) == 1
        written = (tmp_path / FILE).stat().st_mtime_ns
        half.decode((A, DATA9), (A, LEARN9))
        half.pass_(6)
        half.settle()
        assert (tmp_path / FILE).stat().st_mtime_ns == written, "nothing new is not written"


def test_templates_unseen_for_long_are_dropped(tmp_path: Path) -> None:
    first = Half(tmp_path)
    with first.memory:
        first.decode((A, LEARN9), (B, LEARN10))
    late = Half(tmp_path, seconds=SECONDS + (UNSEEN_DAYS + 1) * DAY)
    with late.memory:
        assert len(late.decode((A, DATA9))) == 0
    assert late.count("malformed") + late.count("waiting") == 1


def test_what_is_in_use_does_not_grow_old(tmp_path: Path) -> None:
    """Seen is when data last came by a template, also where nothing changes for months."""
    first = Half(tmp_path)
    with first.memory:
        first.decode((A, LEARN9))
        for _ in range(50):
            first.pass_(DAY)
            first.decode((A, DATA9))
            first.settle()
        first.pass_(3601)
    second = Half(tmp_path, seconds=SECONDS + 55 * DAY)
    with second.memory:
        assert len(second.decode((A, DATA9))) == 1


def test_withdrawn_templates_do_not_come_back(tmp_path: Path) -> None:
    first = Half(tmp_path)
    with first.memory:
        first.decode((B, LEARN10), (B, ipfix(a_set(2, struct.pack(">HH", 256, 0)))))
    second = Half(tmp_path)
    with second.memory:
        assert len(second.decode((B, DATA10))) == 0


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 100, None])
def test_a_damaged_file_is_set_aside_and_told_in_one_line(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    first = Half(tmp_path)
    with first.memory:
        first.decode((A, LEARN9))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-2] if damage is None else damage)
    with caplog.at_level(logging.WARNING):
        second = Half(tmp_path)
        with second.memory:
            assert len(second.decode((A, DATA9))) == 0
            assert len(second.decode((A, LEARN9))) == 1, "what waited comes with the template"
    (record,) = caplog.records
    assert "set aside as exporters.damaged" in record.getMessage()
    assert "\n" not in record.getMessage()
    third = Half(tmp_path)
    with third.memory:
        assert len(third.decode((A, DATA9))) == 1


def test_a_file_that_cannot_be_read_or_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).mkdir()
    half = Half(tmp_path)
    with half.memory:
        assert len(half.decode((A, LEARN9), (A, DATA9))) == 1
        half.pass_(6)
        half.settle()
        assert half.memory.failures == 1
        (tmp_path / FILE).rmdir()
    assert all("\n" not in record.getMessage() for record in caplog.records)
    again = Half(tmp_path)
    with again.memory:
        assert len(again.decode((A, DATA9))) == 1


def test_waiting_sets_that_are_given_up_at_the_stop_are_malformed(tmp_path: Path) -> None:
    half = Half(tmp_path)
    with half.memory:
        half.decode((A, DATA9))
        half.decoder.give_up_waiting()
    assert (half.count("waiting"), half.count("malformed"), half.count("received")) == (0, 1, 1)
    assert half.balanced()


# Floods


def test_idle_exporters_make_room_for_others(tmp_path: Path) -> None:
    half = Half(tmp_path, limit=80)
    with half.memory:
        half.decode((A, LEARN9))
        half.decode(*((f"198.51.100.{n}", DATA9) for n in range(79)))
        assert half.exporters.number(B) == NO_ROOM
        assert half.pass_(30) == []
        half.decode((A, DATA9))
        assert half.pass_(40) == [], "the ledger's windows are open: a number still means who it meant"
        assert half.balanced()  # takes the windows away
        freed = half.pass_(1)
        assert len(freed) == 80 - 60
        assert half.exporters.addresses[0] == A, "who is not silent keeps its place"
        assert half.exporters.number(B) in freed
        assert half.memory.forgotten == 20


def test_who_comes_back_is_known(tmp_path: Path) -> None:
    """An exporter whose place was given up has templates and rates again, under another number."""
    half = Half(tmp_path, limit=8)
    with half.memory:
        half.decode((A, LEARN9))
        half.decode((A, netflow9(a_set(999, b"abcd"), domain=7, sequence=1)))
        assert half.balanced()
        half.pass_(100)
        half.decode(*((f"198.51.100.{n}", DATA9) for n in range(7)))
        half.pass_(1)
        assert half.balanced()
        half.pass_(1)
        assert A not in half.exporters.addresses
        assert not half.decoder.templates.points(0)
        half.decode(("203.0.113.1", DATA9), (B, DATA9))
        half.pass_(100)
        assert half.balanced()
        half.pass_(1)
        flows = half.decode((A, DATA9))
        assert flows.sampling_rate.tolist() == [500]
        assert half.exporters.addresses[int(flows.exporter[0])] == A
        assert half.balanced()
    # Of sets without template, of A and others, those of whom the places were given up are malformed.
    assert (half.count("received"), half.count("decoded"), half.count("filtered")) == (11, 1, 1)
    assert half.count("waiting") + half.count("malformed") == 9


def test_an_exporter_that_comes_back_before_its_place_is_free_is_recalled(tmp_path: Path) -> None:
    """Forgotten for want of room; a window of it is open in the ledger, so that it keeps its number."""
    half = Half(tmp_path, limit=8)
    with half.memory:
        half.decode((A, LEARN9), (A, DATA9))
        half.decode(*((f"198.51.100.{n}", DATA9) for n in range(7)))
        assert half.pass_(100) == []
        assert not half.decoder.templates.points(0)
        assert half.decode((A, DATA9)).bytes.tolist() == [1000]


def test_a_flood_of_spoofed_exporters_is_bounded_in_memory_and_effort(tmp_path: Path) -> None:
    """Each lot from hundreds of new sources, with templates, data, samplers and domains that never come again."""
    half = Half(tmp_path, limit=800, templates_octets=512 << 10, waiting_octets=128 << 10)
    sampler = options9(300, [(1, 4)], [(48, 1), (50, 4)])
    sizes: list[int] = []
    efforts: list[int] = []
    sent = 0
    tracemalloc.start()
    try:
        with half.memory:
            for wave in range(10):
                datagrams = []
                for n in range(300):
                    payload = netflow9(
                        sampler, template(256 + n % 50, *BASIC, (n % 90 + 100, 1 + wave)),
                        a_set(300, struct.pack(">IBI", 1, n % 256, 2 + n)),
                        a_set(900 + n % 9, bytes(20)), domain=wave * 300 + n,
                    )  # fmt: skip
                    datagrams.append((f"10.{wave}.{n >> 8}.{n & 255}", payload))
                efforts.append(effort(partial(half.decode, *datagrams)))
                sent += len(datagrams)
                half.pass_(61)
                half.settle()
                assert half.balanced()
                half.pass_(1)
                sizes.append(tracemalloc.get_traced_memory()[0])
                assert len(half.exporters) <= 800
                assert half.decoder.templates.octets <= 512 << 10
                assert half.decoder.waiting.octets <= 128 << 10
    finally:
        tracemalloc.stop()
    assert half.count("datagrams") == sent
    assert half.memory.forgotten > 1500
    # After the first waves everything is full; from there on only what is kept by pseudonym grows.
    assert sizes[-1] - sizes[5] < 2 << 20
    assert efforts[-1] < 1.5 * efforts[5]


def test_a_restart_in_the_middle_changes_no_record(tmp_path: Path) -> None:
    """The same datagrams with and without a restart between each two: the same flows, and a ledger that balances."""
    sent = [(A, LEARN9), (B, LEARN10), *[(A, DATA9), (B, DATA10)] * 3]
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = Half(tmp_path / "whole")
    with whole.memory:
        expected = concatenate([whole.decode(one) for one in sent])
    parts = []
    for one in sent:
        half = Half(tmp_path / "cut")
        with half.memory:
            parts.append(half.decode(one))
            half.decoder.give_up_waiting()
        assert half.balanced()
    found = concatenate(parts)
    for column in ("bytes", "start_ms", "end_ms", "sampling_rate", "sampling_from"):
        assert np.array_equal(getattr(found, column), getattr(expected, column))


def test_what_was_sent_while_the_collector_was_down_is_lost_and_counted(tmp_path: Path) -> None:
    """By each protocol's own count: flows of v5, datagrams of v9, data records of IPFIX."""
    first = Half(tmp_path)
    with first.memory:
        first.decode(
            (A, LEARN9), (A, DATA9), (A, netflow5([record5()] * 3, sequence=100)),
            (B, LEARN10), (B, netflow5([record5()], sequence=7)),
        )  # fmt: skip
    second = Half(tmp_path)
    with second.memory:
        # v9 of A was at 3, v5 of A at 103; IPFIX of B had sent one record, of options; B's v5 went on at once.
        second.decode(
            (A, netflow9(a_set(257, basic() + b"\1"), domain=7, sequence=13)),
            (A, netflow5([record5()] * 2, sequence=203)),
            (B, ipfix(a_set(256, struct.pack(">III", 1000, 2000, 77)), sequence=40)),
            (B, netflow5([record5()], sequence=8)),
        )
        assert second.count("lost_datagrams") == 10
        assert second.count("lost") == 100 + 39
        assert second.balanced()
    third = Half(tmp_path)
    with third.memory:
        third.decode((A, netflow5([record5()], sequence=205)), (B, netflow5([record5()], sequence=9)))
        assert third.count("lost") == 0


def test_an_exporter_that_started_again_as_well_lost_nothing(tmp_path: Path) -> None:
    first = Half(tmp_path)
    with first.memory:
        first.decode((A, netflow5([record5()], sequence=3_000_000_000)))
    second = Half(tmp_path)
    with second.memory:
        second.decode((A, netflow5([record5()], sequence=0)))
        assert second.count("lost") == 0


def test_after_a_kill_nothing_is_counted_from_where_numbers_stood_before(tmp_path: Path) -> None:
    """What came in between was counted, and nobody knows how much of it."""
    first = Half(tmp_path)
    with first.memory:
        first.decode((A, netflow5([record5()], sequence=0)))
    second = Half(tmp_path)
    second.memory.__enter__()
    second.decode((A, netflow5([record5()], sequence=11)))
    assert second.count("lost") == 10
    second.pass_(6)
    second.settle()  # on disk; then it is killed
    third = Half(tmp_path)
    with third.memory:
        third.decode((A, netflow5([record5()], sequence=500)))
        assert third.count("lost") == 0
