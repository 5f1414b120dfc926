"""What a batch must satisfy to be stored, and what waits for review."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal.collector.aggregate.aggregate import Aggregator
from caudal.collector.exporters.ledger import Ledger
from caudal.contract.batch import LEDGER, BatchOrigin, decode_batch, encode_batch, schema
from caudal.service.admission import QuotaBook, admit, review
from caudal.service.errors import BatchRefused, QuotaExceeded
from caudal.service.ingest import Ingest
from caudal.service.settings.intakelimits import Admission, Quotas
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.store import Store
from tests.collector.test_aggregate import located
from tests.support.builders import NOW_MS, flow_records
from tests.support.samples import NOW, batch

from .conftest import clear

START = datetime(2026, 9, 10, 14, 5, tzinfo=UTC)
# 1 Gbit/s in a window of five minutes, and in an hour.
WINDOW_BYTES, HOUR_BYTES = 37_500_000_000, 450_000_000_000


def refused(body: bytes, limits: Admission | None = None, now: datetime = NOW) -> str:
    with pytest.raises(BatchRefused) as caught:
        admit(decode_batch(body), now, limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Limits


def test_rows_are_those_of_both_streams() -> None:
    body = batch([{}] * 3, [{}] * 2)
    admit(decode_batch(body), NOW, Admission(rows_per_batch=5))
    said = refused(body, Admission(rows_per_batch=4))
    assert said == "the batch has 5 rows; send at most 4 in one"


def test_windows_that_waited_in_a_spool_for_a_year_are_taken() -> None:
    body = batch([{"window_start": NOW - timedelta(days=399)}], [])
    admit(decode_batch(body), NOW)
    assert "set the clock" in refused(body, now=NOW + timedelta(days=2))
    admit(decode_batch(body), NOW + timedelta(days=2), Admission(oldest_window_days=500))


@pytest.mark.parametrize("seconds", [-(1 << 63), -(1 << 40), -1, 0, 1 << 32, 1 << 62, (1 << 63) - 1])
@pytest.mark.parametrize("stream", ["flows", "ledger"])
def test_times_that_no_calendar_or_column_has(seconds: int, stream: str) -> None:
    read = decode_batch(batch())
    table = getattr(read, stream)
    at = table.schema.get_field_index("window_start")
    times = np.array([seconds], "i8")
    changed = table.set_column(at, table.schema.field(at), _times(times))
    flows, ledger = (changed, read.ledger) if stream == "flows" else (read.flows, changed)
    said = refused(encode_batch(read.origin, flows, ledger))
    assert f"window_start of the {stream} stream runs from" in said


def _times(seconds: Any) -> Any:
    import pyarrow as pa

    return pa.array(seconds).cast(pa.timestamp("s")).cast(pa.timestamp("s", tz="UTC"))


def test_years_that_end_are_no_further_months() -> None:
    days = [datetime(2026, month, 1, tzinfo=UTC) for month in (8, 9, 10, 11)]
    body = batch([{"window_start": day} for day in days])
    admit(decode_batch(body), NOW)
    assert "4 months; send at most 3" in refused(body, Admission(months_per_batch=3))


def test_a_row_is_named_by_its_column_window_and_figures() -> None:
    rows = [{}, {"bytes": 1 << 40, "packets": 3, "window_start": START + timedelta(minutes=5)}]
    assert refused(batch(rows)) == (
        "column bytes, row 1, window of 2026-09-10 14:10: 1099511627776 in 3 packets; a packet holds 65535 bytes at most"
    )


def test_an_exporter_that_told_no_packets_is_believed() -> None:
    """As collectors of before this version wrote it: there is nothing to compare the bytes with."""
    row = {"bytes": 1 << 40, "packets": 0, "bytes_variance": float(1 << 80)}
    admit(decode_batch(batch([row])), NOW)
    assert "square of the bytes" in refused(batch([{**row, "bytes_variance": 16.1 * (1 << 80)}]))


def test_sixteen_rows_that_wrap() -> None:
    row = {"bytes": 1 << 60, "packets": 1 << 50}
    assert "column bytes adds up to 1.84e+19" in refused(batch([row] * 16))


RECORD = st.tuples(
    st.one_of(st.integers(0, 3_000), st.integers(0, 1 << 46)),  # bytes
    st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 1 << 40)),  # packets
    st.one_of(
        st.just(1.0), st.floats(1, 100), st.sampled_from([1.4, 1.5, 2.5, 512.0, 16_384.0, float(1 << 32)])
    ),
    st.integers(1, 8),  # host
    st.integers(0, 2),  # network
)


@settings(max_examples=300)
@given(st.lists(RECORD, min_size=1, max_size=30), st.integers(1, 3))
def test_whatever_an_honest_collector_adds_up_is_admitted(records: list[Any], k: int) -> None:
    """Packets not told, rates with fractions, the highest rate that is announced, folded cells."""
    possible = [r for r in records if max(r[0], r[1]) * r[2] < 1 << 53]
    if not possible:
        return
    octets, packets, rates, hosts, asns = (list(column) for column in zip(*possible, strict=True))
    one = Aggregator(Ledger(300_000), 300_000, k)
    flows = flow_records(bytes=octets, packets=packets, sampling_rate=rates)
    one.add(flows, located(host=hosts, remote_asn=asns))
    origin = BatchOrigin("xa-1", "demo-net", "XA", "2026-11-21T12:00:00+00:00", "1", "caudal", True)
    ledger = one.ledger.take(None, str)
    body = encode_batch(origin, one.take(None), ledger)
    admit(decode_batch(body), datetime.fromtimestamp(NOW_MS / 1000, UTC))


# Review


@pytest.fixture
def limited(settings: ServiceSettings) -> ServiceSettings:
    """Operators whose links carry a gigabit a second."""
    return settings.model_copy(update={"admission": Admission(capacity_gbit_per_second=1)})


@pytest.fixture
def emptied(store: Store) -> Iterator[Store]:
    clear(store)
    yield store
    clear(store)


def carrying(octets: int, start: datetime = START, **changes: Any) -> bytes:
    return batch([{"window_start": start, "bytes": octets}], **changes)


def put(store: Store, body: bytes) -> None:
    Ingest(store).store_batch(decode_batch(body), body, NOW)


def test_a_window_holds_what_the_links_carry_in_its_length(emptied: Store, limited: ServiceSettings) -> None:
    assert review(emptied, decode_batch(carrying(WINDOW_BYTES)), limited) is None
    assert review(emptied, decode_batch(carrying(WINDOW_BYTES + 1)), limited) == (
        "demo-net would have carried 3.75e+10 bytes in the 300 s from 2026-09-10 14:05; "
        "its links carry 3.75e+10 at most (capacity_gbit_per_second = 1)"
    )
    # Over several rows, and not in sight of any single one.
    rows = [{"remote_asn": asn, "bytes": WINDOW_BYTES // 10} for asn in range(1, 12)]
    assert review(emptied, decode_batch(batch(rows)), limited) is not None
    assert review(emptied, decode_batch(batch(rows[:10])), limited) is None


def test_packets_take_room_as_well(emptied: Store, limited: ServiceSettings) -> None:
    body = batch([{"bytes": 0, "packets": WINDOW_BYTES // 20 + 1}])
    assert "would have carried" in str(review(emptied, decode_batch(body), limited))


def test_an_operator_may_declare_more_than_others(emptied: Store, limited: ServiceSettings) -> None:
    operators = [
        each.model_copy(update={"capacity_gbit_per_second": 2.0 if each.id == "demo-net" else None})
        for each in limited.operators
    ]
    more = limited.model_copy(update={"operators": tuple(operators)})
    assert review(emptied, decode_batch(carrying(2 * WINDOW_BYTES)), more) is None
    assert "= 2)" in str(review(emptied, decode_batch(carrying(2 * WINDOW_BYTES + 1)), more))


def test_many_batches_within_the_limit_do_not_pass_together(emptied: Store, limited: ServiceSettings) -> None:
    """Of one window, each batch could be as large; of the hour there is no more than its links carry."""
    for number in range(12):
        body = carrying(WINDOW_BYTES, sequence=str(number), collector=f"xa-{number % 3}")
        assert review(emptied, decode_batch(body), limited) is None
        put(emptied, body)
    more = carrying(1000, start=START + timedelta(minutes=20), sequence="more")
    assert review(emptied, decode_batch(more), limited) == (
        "demo-net would have carried 4.5e+11 bytes in the hour from 2026-09-10 14:00, 4.5e+11 of which are stored; "
        "its links carry 4.5e+11 at most (capacity_gbit_per_second = 1)"
    )
    # Neither of another hour nor of another operator.
    assert review(emptied, decode_batch(carrying(1000, start=START + timedelta(hours=1))), limited) is None
    other = carrying(1000, operator="uy-net", economy="UY", collector="uy-1")
    assert review(emptied, decode_batch(other), limited) is None


def test_hours_of_many_days_in_one_batch(emptied: Store, limited: ServiceSettings) -> None:
    put(emptied, carrying(HOUR_BYTES - 500, start=START + timedelta(days=30)))
    rows = [{"window_start": START + timedelta(hours=hour), "bytes": 1000} for hour in range(24 * 31)]
    assert "in the hour from 2026-10-10 14:00" in str(review(emptied, decode_batch(batch(rows)), limited))
    rows = [row for row in rows if row["window_start"] != START + timedelta(days=30)]
    assert review(emptied, decode_batch(batch(rows)), limited) is None


def test_a_batch_without_flows_needs_no_room(emptied: Store, limited: ServiceSettings) -> None:
    assert review(emptied, decode_batch(batch(flows=[])), limited) is None


def test_an_operator_has_no_more_sites_than_can_be_told_apart(
    emptied: Store, limited: ServiceSettings
) -> None:
    """However many batches they come in; other operators and other months have their own."""

    def sited(first: int, count: int, **changes: Any) -> bytes:
        row = {"bytes": 1, "window_start": changes.pop("start", START)}
        return batch([{**row, "site": f"s{at}"} for at in range(first, first + count)], **changes)

    put(emptied, sited(0, 200))
    assert review(emptied, decode_batch(sited(100, 155)), limited) is None
    assert review(emptied, decode_batch(sited(100, 156)), limited) == (
        "demo-net would have 256 sites in these months; 255 can be told apart: name fewer"
    )
    later = START + timedelta(days=70)
    assert review(emptied, decode_batch(sited(100, 156, start=later)), limited) is None
    other = sited(100, 156, operator="uy-net", collector="uy-1", economy="UY")
    assert review(emptied, decode_batch(other), limited) is None
    assert review(emptied, decode_batch(batch([{"bytes": 1}])), limited) is None


@pytest.mark.parametrize("name", ["North", "-north", "a b", "n\u00f3rd", "a/b", "site\n"])
def test_a_site_is_called_as_operators_may_call_it(name: str) -> None:
    assert "column site of the flows stream holds" in refused(batch([{"site": name}]))


def test_by_default_no_operator_of_any_country_is_held(emptied: Store, settings: ServiceSettings) -> None:
    """46 Tbit/s, the average of the largest; what is held is beyond double of it."""
    largest = int(46e12 / 8 * 300)
    assert review(emptied, decode_batch(carrying(2 * largest)), settings) is None
    assert review(emptied, decode_batch(carrying(1 << 60)), settings) is not None


# Quotas


def told(book: QuotaBook, now: datetime, collector: str = "xa-1") -> QuotaExceeded | None:
    try:
        book.demand(collector, now)
    except QuotaExceeded as error:
        return error
    return None


def test_batches_of_an_hour() -> None:
    book = QuotaBook(Quotas(batches_per_hour=2), {})
    assert told(book, NOW) is None
    assert told(book, NOW) is None
    error = told(book, NOW)
    assert error is not None
    assert str(error) == (
        "xa-1 has sent 2 batches this hour (UTC), and may send 2 (batches_per_hour): send the batch again later"
    )
    assert (error.quota, error.used, error.limit) == ("batches_per_hour", 2, 2)
    assert error.retry_after_seconds == (datetime(2026, 11, 21, 13, tzinfo=UTC) - NOW).total_seconds()
    # Others are not concerned, and the next hour begins with nothing.
    assert told(book, NOW, "uy-1") is None
    assert told(book, NOW + timedelta(seconds=error.retry_after_seconds - 1)) is not None
    assert told(book, NOW + timedelta(seconds=error.retry_after_seconds)) is None


def test_rows_of_an_hour_and_bytes_of_a_day() -> None:
    book = QuotaBook(Quotas(rows_per_hour=100, bytes_per_day=1000), {"uy-1": Quotas(bytes_per_day=5000)})
    for collector in ("xa-1", "uy-1"):
        assert told(book, NOW, collector) is None
        book.enter(collector, NOW, body_bytes=1000)
    error = told(book, NOW)
    assert error is not None
    assert (error.quota, error.retry_after_seconds) == ("bytes_per_day", 86_400 - (12 * 60 + 30) * 60 - 15)
    assert told(book, NOW, "uy-1") is None
    tomorrow = NOW + timedelta(days=1)
    assert told(book, tomorrow) is None
    book.enter("xa-1", tomorrow, rows=100)
    error = told(book, tomorrow)
    assert error is not None
    assert error.quota == "rows_per_hour"


def test_a_batch_that_is_turned_away_costs_nothing() -> None:
    book = QuotaBook(Quotas(batches_per_hour=1), {})
    assert told(book, NOW) is None
    assert [told(book, NOW) is None for _ in range(5)] == [False] * 5
    error = told(book, NOW)
    assert error is not None
    assert error.used == 1


def test_an_empty_ledger_is_within_every_bound() -> None:
    read = decode_batch(batch())
    admit(decode_batch(encode_batch(read.origin, read.flows, schema(LEDGER).empty_table())), NOW)
