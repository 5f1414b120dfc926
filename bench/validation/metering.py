"""A world as Caudal sees it: its packets sampled, exported, metered, shipped and stored."""

import csv
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

import caudal
from bench.validation.world import (
    ECONOMY,
    I64,
    LARGE_PACKET,
    NO_NETWORK,
    SMALL_PACKET,
    UNKNOWN,
    World,
)
from caudal.collector.aggregate.dominance import NO_RULE
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.contract.batch import BatchOrigin, decode_batch, encode_batch
from caudal.demo.exports.message import Message
from caudal.demo.exports.netflow9 import Netflow9Router
from caudal.demo.traffic.traffic import Flows
from caudal.reference import AddressTable, Reference
from caudal.reference.addresses.build import build_addresses
from caudal.reference.addresses.ranges import RangeSource
from caudal.service.ingest import FACT_TABLES, Ingest
from caudal.service.queries import month_facts
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month

# Where a database puts what it places wrongly: at the network's registered home.
REGISTERED: Final = "US"
SPECIFICITY: Final = 0.998

_HOME = "198.18.0.0/15"
_FIRST_HOST = 0xC612_0000
_FIRST_BLOCK, _BLOCK = 0x0B00_0000, 1 << 10  # 11.0.0.0, a /22 for each network and place
_WINDOW_SECONDS = 300
# Of each month one window: nine days and twenty hours into it.
_WINDOW = (9 * 24 + 20) * 3600
_FIRST_YEAR = 2024
_BOOT = int(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()) - 20 * 86_400
_COLUMN = "geo_whois_asn_country_2026_06"


@dataclass(frozen=True)
class Errors:
    """What stands between traffic and totals: 1 packet in `rate` is sampled, places are wrong or not, cells are folded below k."""

    rate: int
    misplaced: bool = False
    k: int = 1


class Places:
    """An address table built for a world, and the addresses at which its servers may be found."""

    def __init__(self, world: World, reference: Reference) -> None:
        """Build tables in which every server has an address that is placed rightly, and one that is not."""
        self._servers = world.servers
        self._sensitivity = {
            country: measured_sensitivity(reference, country)
            for country in world.servers["country"].unique().sort()
        }
        known = world.servers.select("asn", "country", "exact", "unlocated")
        right = [self._block(*each) for each in known.iter_rows()]
        wrong = [
            each
            if each[2] or each[1] == UNKNOWN
            else (each[0], ECONOMY if each[1] == REGISTERED else REGISTERED, False)
            for each in right
        ]
        blocks = {key: number for number, key in enumerate(dict.fromkeys((*right, *wrong)))}
        self._right, self._wrong = (
            np.array(
                [_FIRST_BLOCK + blocks[key] * _BLOCK + number % _BLOCK for number, key in enumerate(keys)]
            )
            for keys in (right, wrong)
        )
        self.table = _table(blocks)

    @staticmethod
    def _block(asn: int, country: str, exact: bool, unlocated: bool) -> tuple[int, str, bool]:
        return (asn, UNKNOWN, False) if unlocated else (asn, country, exact)

    def addresses(self, random: np.random.Generator, misplaced: bool) -> I64:
        """Return the address of each server; perhaps wrong ones, as often as was measured."""
        if not misplaced:
            return self._right
        chance = {}
        for country, (sensitivity, ranges) in self._sensitivity.items():
            # It was measured on so many ranges, and so may be a little higher or lower.
            true = random.beta(sensitivity * ranges, (1 - sensitivity) * ranges)
            chance[country] = 1 - SPECIFICITY if country == REGISTERED else 1 - true
        missed = random.random(self._servers.height) < np.array(
            [chance[each] for each in self._servers["country"]]
        )
        return np.where(missed, self._wrong, self._right)


def measured_sensitivity(reference: Reference, country: str) -> tuple[float, int]:
    """Return how often a database finds addresses of a country in it, and on how many ranges that was measured."""
    rows = reference.accuracy.filter(pl.col(_COLUMN).is_not_null() & pl.col("usable"))
    for fits in (pl.col("countries") == country, pl.col("excepted") == REGISTERED):
        found = rows.filter(fits)
        if found.height:
            return float(found[_COLUMN][0]), int(found["ranges"][0])
    raise LookupError(f"the accuracy table has no row that fits {country}")


def _table(blocks: dict[tuple[int, str, bool], int]) -> AddressTable:
    with tempfile.TemporaryDirectory(prefix="caudal-validation-") as name:
        directory = Path(name)
        prefix = {key: _prefix(number) for key, number in blocks.items()}
        asns = ((prefix[key], key[0]) for key in blocks if key[0] != NO_NETWORK)
        countries = ((prefix[key], key[1]) for key in blocks if key[1] != UNKNOWN and not key[2])
        build_addresses(
            directory,
            asn=RangeSource(_write(directory / "asn.csv", asns)),
            country=RangeSource(_write(directory / "country.csv", countries)),
        )
        own = [(prefix[key], key[1], key[0]) for key in blocks if key[2]]
        return AddressTable.load(own, directory=directory)


def _prefix(number: int) -> str:
    first = _FIRST_BLOCK + number * _BLOCK
    return f"{first >> 24}.{first >> 16 & 255}.{first >> 8 & 255}.0/22"


def _write(path: Path, rows: Iterable[tuple[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("prefix", "value"), *rows])
    return path


class Metering:
    """Collectors of all operators of a world, and a store that takes what they ship."""

    def __init__(self, world: World, places: Places, store: Store, errors: Errors) -> None:
        """Make a router and a collector for each operator."""
        self._world = world
        self._places = places
        self._store = store
        self._errors = errors
        self._routers = [Netflow9Router(0, 1, _BOOT, errors.rate) for _ in world.operators]
        self._pipelines = [
            Pipeline(
                economy=ECONOMY,
                home=(_HOME,),
                table=places.table,
                window_seconds=_WINDOW_SECONDS,
                k=errors.k,
                # Of networks of a thousandth of their size one host has most of many cells.
                dominance_percent=NO_RULE,
            )
            for _ in world.operators
        ]

    def observe(
        self, random: np.random.Generator, reporting: Sequence[Collection[int]]
    ) -> Iterator[pl.DataFrame]:
        """Yield the facts of a month for each set of operators that report, packets and places drawn anew each time.

        The months are consecutive ones, so that all are stored at once, each operator's in one batch.
        """
        for table in FACT_TABLES:
            self._store.command(f"TRUNCATE TABLE {table}")
        months = [Month(_FIRST_YEAR + number // 12, number % 12 + 1) for number in range(len(reporting))]
        exported: list[list[Message]] = [[] for _ in self._world.operators]
        for month, operators in zip(months, reporting, strict=True):
            addresses = self._places.addresses(random, self._errors.misplaced)
            seen = _sampled(self._world, self._errors.rate, random)
            for number in operators:
                which = np.flatnonzero((self._world.operator == number) & (seen.packets > 0))
                flows = _flows(self._world, addresses, seen, which, month.epoch + _WINDOW)
                exported[number] += self._routers[number].export(flows)
        ingest = Ingest(self._store)
        for number, messages in enumerate(exported):
            body = self._batch(number, messages)
            ingest.store_batch(decode_batch(body), body, datetime.now(UTC))
        for month in months:
            yield month_facts(self._store, ECONOMY, str(month))

    def _batch(self, number: int, messages: list[Message]) -> bytes:
        operator = self._world.operators[number]
        pipeline = self._pipelines[number]
        pipeline.exporters.number("192.0.2.1")
        pipeline.datagrams(_lot(messages))
        flows, ledger = pipeline.take(None, lambda _: "edge")
        now = datetime.now(UTC).isoformat()
        origin = BatchOrigin(
            f"{operator.id}-1", operator.id, ECONOMY, now, "1", f"caudal {caudal.__version__}", synthetic=True
        )
        return encode_batch(origin, flows, ledger)


@dataclass(frozen=True)
class _Seen:
    packets: I64
    bytes: I64


def _sampled(world: World, rate: int, random: np.random.Generator) -> _Seen:
    """Draw which packets of each flow are sampled, each with the same chance."""
    packets = random.binomial(world.packets, 1 / rate)
    large = random.hypergeometric(world.large, world.packets - world.large, packets)
    return _Seen(packets, large * LARGE_PACKET + (packets - large) * SMALL_PACKET)


def _flows(world: World, addresses: I64, seen: _Seen, which: I64, window: int) -> Flows:
    count = len(which)
    remote = addresses[world.server[which]].astype(np.uint64)
    host = (_FIRST_HOST + world.host[which]).astype(np.uint64)
    outbound = world.outbound[which]
    # Spread over the window, so that routers export as they go.
    end = window * 1000 + np.arange(count) * (_WINDOW_SECONDS * 1000) // max(count, 1)
    none, ports = np.zeros(count, np.uint64), np.full(count, 443)
    return Flows(
        cell=np.zeros(count, np.int64),
        subscriber=world.host[which],
        start_ms=end,
        end_ms=end,
        ip_version=np.full(count, 4),
        outbound=outbound,
        source_high=none,
        source_low=np.where(outbound, host, remote),
        destination_high=none,
        destination_low=np.where(outbound, remote, host),
        source_port=ports,
        destination_port=ports,
        ip_protocol=np.full(count, 6),
        remote_asn=np.zeros(count, np.int64),
        announced=np.zeros(count, bool),
        bytes=seen.bytes[which],
        packets=seen.packets[which],
    )


def _lot(messages: list[Message]) -> Datagrams:
    payloads = [message.payload for message in messages]
    length = np.array([len(payload) for payload in payloads], np.int64)
    return Datagrams(
        np.frombuffer(b"".join(payloads) or b"\0", np.uint8),
        np.cumsum(length) - length,
        length,
        np.zeros(len(payloads), np.int32),
        np.array([message.export_seconds * 1000 for message in messages], np.int64),
        np.zeros(len(payloads), bool),
    )
