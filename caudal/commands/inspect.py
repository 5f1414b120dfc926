"""`caudal inspect`: what a router really sends, record by record or summed up."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from caudal.collector.columns.flowrecords import ABSENT, EVENT, IMPLAUSIBLE, PROTOCOLS, U64, FlowRecords
from caudal.collector.columns.grouping import distinct_rows
from caudal.collector.files.inspection import Inspection
from caudal.collector.settings.override import Override
from caudal.collector.signs.disbelief import disbeliefs
from caudal.common.counted import counted
from caudal.common.vocabulary import SAMPLING_FROM
from caudal.contract.batch import balanced
from caudal.showing.present import ledger_table, show_damage, size

_Key = tuple[str, str, int, int]


class _Sum:
    """The sum of the records that came by one template of one exporter."""

    def __init__(self) -> None:
        self.records = self.events = self.implausible = self.octets = self.packets = 0
        self.rates: set[tuple[float, str]] = set()
        self.absent = 0

    def add(self, flows: FlowRecords) -> None:
        self.records += len(flows)
        self.events += int((flows.kind == EVENT).sum())
        believed = flows.kind != IMPLAUSIBLE
        self.implausible += int((~believed).sum())
        self.octets += _sum(flows.bytes[believed])
        self.packets += _sum(flows.packets[believed])
        self.absent |= int(np.bitwise_and.reduce(flows.absent))
        pairs = np.unique(np.stack([flows.sampling_rate, flows.sampling_from.astype(np.float64)]), axis=1)
        self.rates |= {(float(rate), SAMPLING_FROM[int(how)]) for rate, how in pairs.T}


def inspection_of(config: Path | None, override: Override) -> Inspection:
    """Return an inspection by the settings of a collector, if given, with `override` over them; raise CaudalError."""
    if config is None:
        return Inspection(override=override)
    # An inspection without settings needs neither them nor address tables, which take a while to import.
    from caudal.collector.pipeline.addresstable import load_address_table
    from caudal.collector.pipeline.blueprint import pipeline_of
    from caudal.collector.settings.settingsfile import load_settings

    settings = override.over(load_settings(config))
    table = load_address_table(settings)
    table.accelerate()
    return Inspection(pipeline=pipeline_of(settings, table), home=settings.home)


def print_records(files: Sequence[Path], out: TextIO, inspection: Inspection | None = None) -> None:
    """Write one JSON object per flow record, a line each, and the ledger as the last; raises CaptureError."""
    inspection = inspection or Inspection()
    for path in files:
        for record in inspection.records(path):
            out.write(json.dumps(record) + "\n")
    for line in inspection.damage:
        sys.stderr.write(f"caudal: {line}; what came before it is shown\n")
    not_believed = [
        each.plain for each in disbeliefs(inspection.decoder, inspection.exporters.addresses.__getitem__)
    ]
    last = {
        "ledger": inspection.totals(),
        "not_believed": not_believed,
        "signs": [each.plain for each in inspection.signs()],
    }
    out.write(json.dumps(last) + "\n")


def show_inspection(
    files: Sequence[Path],
    out: Console,
    progress: Callable[[int], None],
    inspection: Inspection | None = None,
) -> None:
    """Show exporters and templates with what they carry, what is missing, and the ledger; raises CaptureError."""
    inspection = inspection or Inspection()
    sums: dict[_Key, _Sum] = {}
    for path in files:
        for flows in inspection.flows(path):
            for key, part in _by_template(flows, inspection.exporters.addresses):
                sums.setdefault(key, _Sum()).add(part)
            progress(len(flows))
    table = Table(header_style="bold")
    for name in ("exporter", "protocol", "domain", "template"):
        table.add_column(name)
    for name in ("records", "events", "implausible", "bytes as sent", "packets as sent"):
        table.add_column(name, justify="right")
    table.add_column("sampling")
    table.add_column("never sent")
    for (exporter, protocol, domain, template), summed in sums.items():
        table.add_row(
            exporter or "–",
            protocol,
            str(domain),
            str(template or "–"),
            f"{summed.records:,}",
            f"{summed.events:,}",
            f"{summed.implausible:,}",
            size(summed.octets),
            f"{summed.packets:,}",
            ", ".join(f"1:{rate:g} ({how})" for rate, how in sorted(summed.rates)),
            ", ".join(name.replace("_", " ") for name, bit in ABSENT.items() if summed.absent & int(bit)),
        )
    out.print(table)
    show_damage(out, inspection.damage)
    totals = inspection.totals()
    out.print(ledger_table(totals, balanced=balanced(totals)))
    if totals["waiting"]:
        out.print(
            f"[yellow]{counted(totals['waiting'], 'data set waits', 'data sets wait')} for a template that is not in these files: give the file that "
            "holds it first, or capture for longer than the router's template interval.[/yellow]"
        )
    for each in inspection.signs():
        style = "yellow" if each.needs_attention else ""
        out.print(Text(f"{each.exporter or 'exporter'}: {each.sentence}", style=style), soft_wrap=True)
    if totals["clock_implausible"]:
        out.print(
            f"[yellow]{counted(totals['clock_implausible'], 'datagram states', 'datagrams state')} an export time that cannot be, and the time of "
            "capture was taken instead: set the router's clock (NTP).[/yellow]"
        )
    agents = inspection.decoder.sflow_agents
    if agents.counters or agents.unknown:
        out.print(
            f"Passed over: {counted(agents.counters, 'sFlow sample')} of counters and {agents.unknown:,} of kinds that are not "
            "read; flows come only in flow samples."
        )
    if totals["sampling_assumed"]:
        out.print(
            f"[yellow]{counted(totals['sampling_assumed'], 'record comes', 'records come')} without a sampling rate: if the router samples, make "
            "it export the rate, or set `sampling` for it in the collector's settings.[/yellow]"
        )


def _sum(counts: U64) -> int:
    """Return a sum that does not wrap, whatever the counts."""
    low, high = counts & np.uint64(0xFFFF_FFFF), counts >> np.uint64(32)
    return int(low.sum()) + (int(high.sum()) << 32)


def _by_template(flows: FlowRecords, addresses: list[str]) -> list[tuple[_Key, FlowRecords]]:
    parts = []
    columns = (flows.protocol, flows.exporter, flows.observation_domain, flows.template)
    rows = np.stack([column.astype(np.uint64) for column in columns], axis=1)
    first, of = distinct_rows(rows)
    order = sorted(range(len(first)), key=lambda which: flows.protocol[first[which]])
    for which in order:
        part = flows.take(of == which)
        key = (
            addresses[int(part.exporter[0])],
            PROTOCOLS[part.protocol[0]],
            int(part.observation_domain[0]),
            int(part.template[0]),
        )
        parts.append((key, part))
    return parts
