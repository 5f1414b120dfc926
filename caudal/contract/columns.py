"""The contents of a batch: every column of its two tables. The contract between collector and service.

A later contract may add columns, never change one. To add one, write it here with the next CONTRACT_VERSION as `since`; the
code of a cell, folding, roll-ups and the API take it from here (docs/architecture.md says how).
"""

from collections.abc import Mapping

import pyarrow as pa

from caudal.common.vocabulary import DIRECTIONS, LOCATION_RUNGS, SAMPLING_FROM, TRANSPORTS, UNKNOWN_COUNTRY
from caudal.contract.column import Bits, Column, Folding, Word

CONTRACT_VERSION = 5

# How an operator may call a point of presence, and how many it may tell apart.
SITE_NAME = r"[a-z0-9][a-z0-9-]{0,31}"
MOST_SITES = 255

_TIME = pa.timestamp("s", tz="UTC")
_TEXT = "LowCardinality(String)"
_FAR_END, _METERING = Word.far_end, Word.metering

FLOWS: tuple[Column, ...] = (
    Column(
        "window_start",
        _TIME,
        "DateTime('UTC')",
        "key",
        "start of the window in which the flow ended",
        codec="DoubleDelta, ZSTD(1)",
    ),
    Column("window_seconds", pa.uint32(), "UInt32", "key", "length of the window"),
    Column(
        "direction",
        pa.string(),
        _TEXT,
        "key",
        "out: from a home prefix; in: to one; internal: both ends; transit: neither (no remote is kept)",
        DIRECTIONS,
        bits=Bits(_FAR_END, 3, 2, "choice"),
        fact=True,
    ),
    Column(
        "remote_asn",
        pa.uint32(),
        "UInt32",
        "key",
        "autonomous system of the far end; 0 unknown or folded",
        codec="ZSTD(3)",
        bits=Bits(_FAR_END, 25, 32, "number"),
        dropped=Folding.country,
        rest=0,
        fact=True,
    ),
    Column(
        "remote_country",
        pa.string(),
        _TEXT,
        "key",
        "ISO 3166-1 alpha-2 of the far end; ZZ unknown",
        pattern=r"[A-Z]{2}",
        longest=8,
        bits=Bits(_FAR_END, 15, 10, "letters"),
        dropped=Folding.network,
        rest=UNKNOWN_COUNTRY,
        fact=True,
    ),
    Column(
        "location_rung",
        pa.string(),
        _TEXT,
        "key",
        "which rung of the location ladder answered remote_country",
        LOCATION_RUNGS,
        bits=Bits(_FAR_END, 0, 3, "choice"),
        dropped=Folding.network,
        rest="unknown",
        fact=True,
    ),
    Column(
        "service",
        pa.string(),
        _TEXT,
        "key",
        "platform id where DNS or SNI named one; empty otherwise",
        pattern=r"[a-z0-9._-]{0,64}",
        bits=Bits(_FAR_END, 5, 10, "name"),
        dropped=Folding.country,
        rest="",
        fact=True,
    ),
    Column(
        "ip_version",
        pa.uint8(),
        "UInt8",
        "key",
        "4 or 6; 0 where folded",
        bits=Bits(_METERING, 32, 2, "half"),
        dropped=Folding.country,
        rest=0,
    ),
    Column(
        "transport",
        pa.string(),
        _TEXT,
        "key",
        "tcp, udp, other; any where folded",
        TRANSPORTS,
        bits=Bits(_METERING, 34, 2, "choice"),
        dropped=Folding.country,
        rest="any",
    ),
    Column(
        "sampling_from",
        pa.string(),
        _TEXT,
        "key",
        "how the sampling rate was known; assumed means that none was and 1 was taken",
        SAMPLING_FROM,
        bits=Bits(_METERING, 36, 3, "choice"),
        dropped=Folding.network,
        rest="mixed",
        fact=True,
    ),
    Column(
        "folded",
        pa.bool_(),
        "Bool",
        "key",
        "several cells below k local hosts, added up",
        dropped=Folding.country,
        rest=True,
        fact=True,
    ),
    Column(
        "site",
        pa.string(),
        _TEXT,
        "key",
        "point of presence where the operator metered it; empty where none is set, or several were added up",
        pattern=f"({SITE_NAME})?",
        longest=32,
        most=MOST_SITES + 1,
        since=5,
        default="",
        bits=Bits(_METERING, 0, 16, "name"),
        dropped=Folding.sites,
        rest="",
        of_exporter=True,
    ),
    Column("bytes", pa.uint64(), "UInt64", "sum", "IP bytes, corrected for sampling", codec="ZSTD(3)"),
    Column(
        "packets",
        pa.uint64(),
        "UInt64",
        "sum",
        "packets, corrected for sampling; where an exporter tells none, the fewest that hold the bytes",
        codec="ZSTD(3)",
    ),
    Column("flows", pa.uint64(), "UInt64", "sum", "flow records, as received", codec="T64, ZSTD(3)"),
    Column(
        "bytes_variance",
        pa.float64(),
        "Float64",
        "sum",
        "sampling variance of bytes: N(N-1) times the squares of packet sizes, for packets sampled 1:N; 0 unsampled",
        codec="ZSTD(3)",
        summed="Int256",
    ),
)


def _count(name: str, meaning: str, since: int = 1) -> Column:
    return Column(name, pa.int64(), "Int64", "sum", meaning, since=since)


LEDGER: tuple[Column, ...] = (
    Column(
        "exporter",
        pa.string(),
        _TEXT,
        "key",
        "configured name, or a keyed pseudonym of its address",
        longest=512,
        codec="",
    ),
    Column(
        "window_start",
        _TIME,
        "DateTime('UTC')",
        "key",
        "window of the export time",
        codec="DoubleDelta, ZSTD(1)",
    ),
    Column("window_seconds", pa.uint32(), "UInt32", "key", "length of the window"),
    _count("datagrams", "datagrams received (for captures: packets read)"),
    _count("received", "data records received; a set still waiting or unreadable counts as one"),
    _count("decoded", "records decoded"),
    _count("waiting", "sets waiting for their template"),
    _count("malformed", "records, sets or datagrams that could not be read"),
    _count("filtered", "records left out by the operator's rules"),
    _count("aggregated", "records counted in flow aggregates"),
    _count("events", "records that carry no traffic (NAT and firewall events)"),
    _count(
        "lost",
        "data records missing by the protocol's own count: sequence numbers (v5, v7, IPFIX; of samples in sFlow), "
        "and samples that an sFlow agent dropped",
    ),
    _count("lost_datagrams", "datagrams missing by sequence numbers (v9, sFlow)"),
    _count("kernel_drops", "datagrams the kernel dropped at the collector's socket"),
    _count("sampling_record", "decoded records whose sampling rate was in the export itself"),
    _count("sampling_options", "… came from an options record"),
    _count("sampling_config", "… came from the collector's configuration"),
    _count("sampling_assumed", "… was not known: 1 was assumed"),
    _count("sampling_unsampled", "… packets metered by the collector itself, every one of them"),
    _count(
        "interface_unknown",
        "records counted although it was not told, or not known, which interface they crossed: "
        "another router may have them, too",
        since=2,
    ),
    _count(
        "counts_implausible",
        "records whose octets or packets no IP traffic can have, or this exporter cannot carry: in no sum",
        since=3,
    ),
    _count(
        "rate_implausible",
        "records whose exporter states a sampling rate that is not believed: the configured one was taken, "
        "else what it had stated before, else none",
        since=3,
    ),
    _count(
        "time_implausible",
        "records whose times are not believed: they count as ended when they were exported",
        since=3,
    ),
    _count(
        "clock_implausible",
        "datagrams whose export time is not believed: that of their receipt was taken",
        since=3,
    ),
    _count("sums_saturated", "records that found no more room in a sum, which stands at its limit", since=3),
    _count(
        "repeated",
        "records that tell again what was counted before, such as a total after its parts: in no sum",
        since=4,
    ),
    _count(
        "without_counts",
        "records of traffic, and of no event, that tell neither octets nor packets: in no sum",
        since=4,
    ),
    _count(
        "not_read",
        "sampled packets in which no IP header was found that holds together: other protocols, or cut short",
        since=4,
    ),
    _count(
        "templates_redefined",
        "templates that came with another layout than before under the same number: where this goes on, "
        "several exporters stand behind one address",
        since=4,
    ),
    _count(
        "duplicated_datagrams",
        "datagrams that the capture holds more than once: read once, and counted in nothing else",
        since=4,
    ),
)

LEDGER_COUNTS: tuple[str, ...] = tuple(column.name for column in LEDGER if column.kind == "sum")
# What each of these counts is the sum of: nothing is lost without being counted.
BALANCE: Mapping[str, tuple[str, ...]] = {
    "received": ("decoded", "waiting", "malformed", "filtered"),
    "decoded": ("aggregated", "events", "counts_implausible", "repeated", "without_counts", "not_read"),
}


def balanced(counts: Mapping[str, int]) -> bool:
    """Return True if counts of a ledger, by their names, add up as BALANCE says."""
    return all(counts[whole] == sum(counts[part] for part in parts) for whole, parts in BALANCE.items())
