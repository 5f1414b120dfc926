"""`caudal meter` and `caudal inspect`: what is in captures, without a collector or a service."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caudal.collector.daemon.coredumps import forbid_core_dumps
from caudal.common.options import AsJson

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="In order; pcap or pcapng, gzip'ed or not.")
]

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings of a collector: everything is done as it would do it."),
]
Sampling = Annotated[
    list[str] | None,
    typer.Option(
        "--sampling", metavar="ADDRESS=RATE", help="Rate of an exporter, or of a prefix; repeat for more."
    ),
]
SamplingOverride = Annotated[
    bool, typer.Option("--sampling-override", help="These rates hold whatever exporters say.")
]
Capacity = Annotated[
    float | None, typer.Option("--capacity", min=0.001, help="Gbit/s that a router's links carry together.")
]
Tunnels = Annotated[
    str | None,
    typer.Option(
        "--tunnels", help="What counts of packets in packets: outer, inner, or kinds of tunnels (gtpu,vxlan)."
    ),
]
Allow = Annotated[
    list[str] | None, typer.Option("--allow", help="A prefix of exporters; datagrams of others are left out.")
]


class ReadAs(StrEnum):
    """What a capture is to be taken for."""

    packets = "packets"
    exports = "exports"


def meter_command(
    context: typer.Context,
    files: Files,
    home: Annotated[
        list[str] | None,
        typer.Option("--home", help="A prefix of the network's own addresses; repeat for more."),
    ] = None,
    economy: Annotated[
        str | None, typer.Option("--economy", help="ISO 3166-1 alpha-2 code of the country.")
    ] = None,
    config: Config = None,
    read_as: Annotated[
        ReadAs | None, typer.Option("--as", help="What the files hold, where it is not to be recognised.")
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k-anonymity", min=1, max=100, help="Fold cells of fewer local hosts, as a collector does."
        ),
    ] = None,
    locations: Annotated[
        Path | None,
        typer.Option("--locations", help="Your own list of places: prefix,country[,asn[,platform]]."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Directory of facts that replace or add to those shipped."),
    ] = None,
    names: Annotated[
        bool,
        typer.Option("--names/--no-names", help="Find platforms by names in DNS, TLS and QUIC."),
    ] = True,
    sampling: Sampling = None,
    sampling_override: SamplingOverride = False,
    capacity: Capacity = None,
    tunnels: Tunnels = None,
    allow: Allow = None,
    as_json: AsJson = False,
) -> None:
    """Meter capture files of traffic, or of export datagrams: totals, ledger and indicators at once."""
    from caudal.collector.pipeline.addresstable import read_locations
    from caudal.collector.settings.override import Override, rates_given, tunnels_given
    from caudal.collector.settings.settingsfile import load_settings
    from caudal.commands.meter import MeterQuestion, meter_files
    from caudal.showing.present import console, show_meter

    forbid_core_dumps()
    with _progress("packets") as advance:
        settings = load_settings(config) if config else None
        home = home or (list(settings.home) if settings else [])
        economy = economy or (settings.economy if settings else None)
        if not home or not economy:
            raise typer.BadParameter(
                "give the network and its country, or the settings of a collector", context,
                param_hint="--home" if not home else "--economy",
            )  # fmt: skip
        question = MeterQuestion(
            files=files,
            home=home,
            economy=economy,
            read_as=read_as.value if read_as else None,
            k=k or (settings.k_anonymity if settings else 1),
            reference_overlay=reference or (settings.reference_overlay if settings else None),
            window_seconds=settings.window_seconds if settings else 300,
            settings=settings,
            override=Override(
                rates_given(sampling or ()), sampling_override, capacity, tunnels_given(tunnels), allow or ()
            ),
            locations=read_locations(locations) if locations else (),
            names=names,
        )
        answer = meter_files(question, lambda: datetime.now(UTC), advance)
    if as_json:
        for line in answer["damage"]:
            typer.echo(f"caudal: {line}; what came before it is metered", err=True)
        typer.echo(json.dumps(answer, default=str))
    else:
        show_meter(console(), answer)


def inspect_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="In order, as one stream: captures of export datagrams, or raw UDP payloads.",
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One object per flow record, a line each; the last is the ledger.")
    ] = False,
    config: Config = None,
    home: Annotated[
        list[str] | None,
        typer.Option("--home", help="A prefix of the network's own addresses, to tell directions."),
    ] = None,
    sampling: Sampling = None,
    sampling_override: SamplingOverride = False,
    capacity: Capacity = None,
    tunnels: Tunnels = None,
    allow: Allow = None,
    template_wait: Annotated[
        float | None, typer.Option("--template-wait", min=1, help="Seconds that data waits for its template.")
    ] = None,
) -> None:
    """Show what an exporter really sends."""
    from caudal.collector.settings.override import Override, rates_given, tunnels_given
    from caudal.commands.inspect import inspection_of, print_records, show_inspection
    from caudal.showing.present import console

    forbid_core_dumps()
    with _progress("records") as advance:
        override = Override(
            rates_given(sampling or ()),
            sampling_override,
            capacity,
            tunnels_given(tunnels),
            allow or (),
            template_wait,
            home or (),
        )
        inspection = inspection_of(config, override)
        if as_json:
            print_records(files, sys.stdout, inspection)
        else:
            show_inspection(files, console(), advance, inspection)


@contextmanager
def _progress(of: str) -> Iterator[Callable[[int], None]]:
    """Show on a terminal how far work is; nothing where the output goes elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from caudal.collector.columns.kernel import compiled_before

    once = "" if compiled_before() else ", and compiling for this processor: half a minute, once"
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} " + of + once), TimeElapsedColumn())
    err = Console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(of, total=None)
        yield lambda count: progress.advance(task, count)
