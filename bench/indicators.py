"""All indicators of an economy's month, from the roll-ups of a year of 5-minute windows of many operators.

`python -m bench.indicators --rows 100000000` generates the whole of it, which takes minutes and gigabytes.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import page
from bench.figure import Figure, Section, alone
from bench.machine import describe
from caudal.demo.traffic.economy import ECONOMY, REFERENCE_OVERLAY
from caudal.reference import Reference, load_reference
from caudal.service.indicators import CATALOGUE
from caudal.service.migration.migration import migrate
from caudal.service.months.measures import Measures
from caudal.service.months.vintages import Vintages
from caudal.service.queries import month_facts
from caudal.service.settings.settings import ServiceSettings
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store

WHOLE = 100_000_000
TARGET_SECONDS = 5.0
_OPERATORS = 20
_MONTHS = 12
_OTHERS = 3_000
_YEAR = 2026
_NOW = datetime(2027, 2, 1, tzinfo=UTC)
_WINDOW_SECONDS = 300
_ROWS_AN_INSERT = 2_000_000
_METHOD = (
    "chDB embedded, all cores, wall time. Rows are windows of 5 minutes, generated inside the store and summed into "
    f"hours, days and months by the views that ingest uses: {_OPERATORS} operators, out and in, over the networks "
    f"of the reference and {_OTHERS:,} others by a power law, 60 countries; all alike in time. Computing is everything from "
    "the roll-up to the values of all indicators, national totals and the limits of the whole economy (a jackknife over operators) "
    "included; publishing also keeps facts and "
    "reference and writes the values; recomputing reads all back and compares. Growth by months computes the same "
    "month again in stores of so many months."
)


@dataclass(frozen=True)
class Timed:
    """Seconds of each step for one month, in rounds, and how many facts and cells it was."""

    facts: int
    reading: list[float]
    computing: list[float]
    publishing: float
    recomputing: float
    peak_mebibytes: float


def measure(
    rows: int = 300_000,
    rounds: int = 3,
    growth: tuple[float, ...] = (0.25, 1.0),
    fewer_months: tuple[int, ...] = (1, 3),
) -> Section:
    """Return the figures for so many rows a year, and for parts of them: fewer rows, and fewer months."""
    reference = load_reference(REFERENCE_OVERLAY)
    figures: list[Figure] = []
    details: dict[str, object] = {"rows": rows, "target_seconds": TARGET_SECONDS}
    for part in growth:
        count = int(rows * part)
        timed, generated = _timed(reference, count, _MONTHS, rounds)
        if part == growth[-1]:
            figures.append(alone("Generating", "rows/s", [generated], f"{count:,} rows, all roll-ups"))
        figures += _figures(f"{count:,} rows in {_MONTHS} months", timed)
        details[f"rows_{count}"] = timed.computing
    for months in fewer_months:
        count = int(rows * growth[0] * months / _MONTHS)
        timed, _ = _timed(reference, count, months, rounds)
        figures += _figures(f"{count:,} rows in {months} months", timed)[:1]
        details[f"months_{months}"] = timed.computing
    return Section("Indicators of a month", _METHOD, figures, details)


def _figures(of: str, timed: Timed) -> list[Figure]:
    note = f"{timed.facts:,} facts of the month"
    target = "below" if max(timed.computing) < TARGET_SECONDS else "ABOVE"
    return [
        alone(
            f"All {len(CATALOGUE)} indicators, {of}",
            "s",
            timed.computing,
            f"{note}; {target} the target of {TARGET_SECONDS:g} s; {timed.peak_mebibytes:,.0f} MiB at most",
        ),
        alone(f"… of which reading the roll-up, {of}", "s", timed.reading, note),
        alone(f"Publishing, {of}", "s", [timed.publishing]),
        alone(f"Recomputing, {of}", "s", [timed.recomputing]),
    ]


def _timed(reference: Reference, rows: int, months: int, rounds: int) -> tuple[Timed, float]:
    with tempfile.TemporaryDirectory(prefix="caudal-bench-") as name:
        settings = _settings(Path(name))
        with Store(settings.dsn.get_secret_value()) as store:
            migrate(store, lambda: _NOW)
            load_reference_tables(store, reference, lambda: _NOW)
            began = time.perf_counter()
            made = generate(store, reference, rows, months)
            rate = made / (time.perf_counter() - began)
            month = f"{_YEAR}-{months:02d}"
            measures = Measures(settings, store, reference, lambda: _NOW)
            vintages = Vintages(store, reference, measures, lambda: _NOW, REFERENCE_OVERLAY)
            facts = month_facts(store, ECONOMY, month).height
            # The first also loads what it needs.
            with _Peak() as peak:
                reading = [_seconds(lambda: month_facts(store, ECONOMY, month)) for _ in range(rounds + 1)][
                    1:
                ]
                computing = [
                    _seconds(lambda: measures.compute(ECONOMY, month, CATALOGUE.values()))
                    for _ in range(rounds + 1)
                ][1:]
                publishing = _seconds(lambda: vintages.publish(ECONOMY, month))
                again = [True]
                recomputing = _seconds(lambda: again.append(vintages.recompute(f"{ECONOMY}-{month}-v1").same))
            if not again[-1]:
                raise RuntimeError("the vintage, computed again, says something else")
    return Timed(facts, reading, computing, publishing, recomputing, peak.mebibytes), rate


def generate(store: Store, reference: Reference, rows: int, months: int = _MONTHS) -> int:
    """Fill a store with so many windows of the first months of the year, one partition of time after another.

    Returns how many rows there are. The same numbers make the same rows.
    """
    known = sorted(reference.networks["asn"].to_list())
    countries = sorted(reference.countries["country"].to_list())[::4][:60]
    made = 0
    each_month = max(1, rows // months)
    for number in range(1, months + 1):
        first = int(datetime(_YEAR, number, 1, tzinfo=UTC).timestamp())
        windows = 28 * 86_400 // _WINDOW_SECONDS
        for start in range(0, each_month, _ROWS_AN_INSERT):
            count = min(_ROWS_AN_INSERT, each_month - start)
            store.command(
                "INSERT INTO flow_window (window_start, window_seconds, direction, remote_asn, remote_country, "
                "location_rung, service, ip_version, transport, sampling_from, folded, bytes, packets, flows, "
                "bytes_variance, collector, operator, economy, received_at) "
                f"WITH cityHash64(number, {number}, {start}) AS a, cityHash64(a) AS b, "
                # Rank by a power law among networks known and others.
                f"toUInt32(pow({len(known) + _OTHERS}, (a % 1000003) / 1000003)) AS rank, "
                f"concat('net-', toString(b % {_OPERATORS})) AS net, 1 + bitShiftRight(b, 40) % 1000000 AS size "
                f"SELECT toDateTime({first} + {_WINDOW_SECONDS} * (bitShiftRight(a, 20) % {windows}), 'UTC'), "
                f"{_WINDOW_SECONDS}, if(bitShiftRight(b, 8) % 4 = 0, 'out', 'in'), "
                f"if(rank < {len(known)}, {known}[1 + (rank * 7919) % {len(known)}], 100000 + rank), "
                f"{countries}[1 + (rank + if(rank < 200, b % 3, 0)) % {len(countries)}], "
                "if(rank % 11 = 0, 'cloud', 'database'), '', if(bitShiftRight(b, 12) % 3 = 0, 6, 4), "
                "if(bitShiftRight(b, 16) % 5 = 0, 'udp', 'tcp'), 'options', 0, size * 1000, size, "
                "1 + size % 100, size * 1e9, concat(net, '-1'), net, "
                f"'{ECONOMY}', toDateTime({int(_NOW.timestamp())}, 'UTC') FROM numbers({count})"
            )
            made += count
    keys = (
        "economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version, "
        "transport, sampling_from, folded"
    )
    for table, slot in (
        ("flow_hour", "toStartOfHour(w.window_start)"),
        ("flow_day", "toStartOfDay(w.window_start)"),
        ("flow_month", "toDateTime(toStartOfMonth(w.window_start), 'UTC')"),
    ):
        store.command(
            f"INSERT INTO {table} (time, {keys}, bytes, packets, flows, bytes_variance) SELECT {slot} AS slot, {keys}, "
            "sum(toInt128(w.bytes)), sum(toInt128(w.packets)), sum(toInt128(w.flows)), "
            f"sum(toInt256(floor(w.bytes_variance))) FROM flow_window AS w GROUP BY slot, {keys}"
        )
    return made


def _settings(directory: Path) -> ServiceSettings:
    return ServiceSettings.model_validate(
        {
            "dsn": f"chdb://{directory}/store",
            "reference_overlay": REFERENCE_OVERLAY,
            "operators": [
                {
                    "id": f"net-{number}",
                    "name": f"Network {number}",
                    "economy": ECONOMY,
                    "subscribers": 10_000 * (number + 1),
                    "subscribers_as_of": "2026-01-01",
                }
                for number in range(_OPERATORS)
            ],
        }
    )


def _seconds(run: object) -> float:
    assert callable(run)
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


class _Peak:
    """The most memory that this process had resident while the block ran, looked at every 20 ms."""

    mebibytes = 0.0

    def __enter__(self) -> "_Peak":
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.mebibytes = max(self.mebibytes, pages * page / 2**20)
            if self._done.wait(0.02):
                return


def main() -> None:
    """Measure with as many rows as asked for, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.indicators", description=__doc__)
    parser.add_argument("--rows", type=int, default=WHOLE, help="windows a year; 100,000,000 by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--parts", type=float, nargs="*", default=[0.01, 0.1, 1.0], help="of the rows, for growth"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures as JSON, for `python -m bench --with`"
    )
    arguments = parser.parse_args()
    machine = describe()
    section = measure(arguments.rows, arguments.rounds, tuple(arguments.parts))
    if arguments.json:
        arguments.json.write_text(json.dumps(page.as_json(machine, [section]), indent=1) + "\n", "utf-8")
    for figure in section.figures:
        print(
            f"{figure.what}: {figure.caudal:,.3f} {figure.unit} ({figure.low:,.3f}-{figure.high:,.3f})  {figure.note}"
        )


if __name__ == "__main__":
    main()
