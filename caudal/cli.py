"""The command `caudal`: the one place, with the demo, where packages are wired together."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from caudal import __version__
from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.daemon.coredumps import forbid_core_dumps
from caudal.collector.errors import CollectorError
from caudal.collector.locate.home import HomeError
from caudal.common.counted import counted
from caudal.common.logline import line, log_to_stderr
from caudal.common.privatefiles import private_files
from caudal.dashboards.cli import dashboards_cli
from caudal.demo.cli import demo_command
from caudal.reference import ReferenceError as FactsError
from caudal.reference.cli.cli import reference_cli
from caudal.service.cli.batches import batches_cli
from caudal.service.cli.indicators import indicators_cli
from caudal.service.cli.keys import audit_cli, keys_cli
from caudal.service.cli.options import AsJson
from caudal.service.cli.report import report_command
from caudal.service.errors import ServiceError

app = typer.Typer(
    name="caudal",
    help="Monitors a country's digital sovereignty from the metadata of its data flows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(audit_cli)
app.add_typer(batches_cli)
app.add_typer(dashboards_cli)
app.add_typer(indicators_cli)
app.add_typer(keys_cli)
app.add_typer(reference_cli)
app.command("demo")(demo_command)
app.command("report")(report_command)

_MOMENTS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]

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


def _settings_file(context: typer.Context, config: Path | None) -> Path:
    """Return the settings file given with a command below `collect`, or with `collect` itself."""
    file: Path | None = config or context.obj
    if file is None:
        raise typer.BadParameter("give the settings file", context, param_hint="--config")
    return file


class ReadAs(StrEnum):
    """Kinds of content as which a capture can be read."""

    packets = "packets"
    exports = "exports"


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Tell an error in one line, and exit with 2."""
    try:
        yield
    except (CaptureError, CollectorError, FactsError, HomeError, ServiceError) as error:
        typer.echo(f"caudal: {line(str(error))}", err=True)
        raise typer.Exit(2) from None


@app.command("version")
def version_command() -> None:
    """Print the version."""
    typer.echo(__version__)


collect_cli = typer.Typer(name="collect", rich_markup_mode=None)
app.add_typer(collect_cli)


@collect_cli.callback(invoke_without_command=True)
def collect_command(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings, as deploy/collector.toml shows.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Say what it would do and what looks wrong: exit with 0 if nothing, 1, or 2 if unusable.",
        ),
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="With --check: do not ask the service.")] = False,
    metrics_listen: Annotated[
        str | None, typer.Option("--metrics-listen", help="Serve metrics there, whatever the settings say.")
    ] = None,
) -> None:
    """Receive exports from routers, meter them, and ship aggregates to the service; until SIGTERM.

    SIGHUP reads the settings again.
    """
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    if config is None:
        raise typer.BadParameter("give the settings file", context, param_hint="--config")
    if metrics_listen is not None:
        os.environ["CAUDAL_COLLECTOR_METRICS_LISTEN"] = metrics_listen
    if check:
        _check(config, offline)
        return
    from caudal.collector.check.startable import require_startable
    from caudal.collector.settings.settingsfile import load_settings

    log_to_stderr("%(asctime)s %(levelname)s %(message)s")
    # The client would log every request at this level, which says nothing.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with private_files(), _one_line_errors():
        require_startable(load_settings(config))
        # Not before: it takes a while to import, and longer to compile.
        from caudal.collector.daemon.run import run

        run(config)


def _check(config: Path, offline: bool) -> None:
    from caudal.collector.check.check import check
    from caudal.commands.collecting import show_check
    from caudal.showing.present import console

    logging.getLogger("httpx").setLevel(logging.WARNING)
    checked = check(config, offline=offline)
    show_check(console(), checked)
    raise typer.Exit(checked.exit_code)


@collect_cli.command("status")
def status_command(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings of the collector that is asked.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again and again, in place on a terminal; until Ctrl-C.")
    ] = False,
    every: Annotated[float, typer.Option("--every", min=0.2, help="Seconds between, with --watch.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Ask the running collector what it receives, keeps and ships: which router needs attention comes first."""
    from caudal.collector.daemon.statussocket import ask
    from caudal.collector.settings.settingsfile import load_settings
    from caudal.commands.collecting import show_status, watch_status
    from caudal.showing.present import console

    file = _settings_file(context, config)
    with _one_line_errors():
        directory = load_settings(file).state_directory
        if as_json:
            typer.echo(json.dumps(ask(directory)))
        elif watch:
            watch_status(console(), lambda: ask(directory), lambda: time.sleep(every))
        else:
            show_status(console(), ask(directory))


@collect_cli.command("support")
def support_command(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings of the collector that needs help.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; it must not exist yet.")
    ] = None,
) -> None:
    """Write a file about a collector, running or stopped, for whoever helps: no address, name or secret is in it."""
    from caudal.collector.settings.settingsfile import load_settings
    from caudal.collector.support.support import support
    from caudal.commands.supportfile import write_support

    file = _settings_file(context, config)
    with _one_line_errors():
        about = support(load_settings(file))
        path = write_support(about, output)
    typer.echo(f"{path} is written. It is text: read it before you send it to anybody.")
    for line_ in about["not_to_be_had"]:
        typer.echo(f"not in it: {line_}")


@collect_cli.command("resend")
def resend_command(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings of the collector whose batches they are.")
    ] = None,
) -> None:
    """Have batches that the service refused sent again, once it has been set right; beside a collector or without."""
    from caudal.collector.deliver.spool import Spool
    from caudal.collector.settings.settingsfile import load_settings

    file = _settings_file(context, config)
    with _one_line_errors():
        count = Spool(load_settings(file).state_directory / "spool").take_back()
    typer.echo(
        f"{counted(count, 'batch waits', 'batches wait')} to be sent again"
        if count
        else "nothing was refused"
    )


@collect_cli.command("prepare")
def prepare_command(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings of the collector to come.")
    ] = None,
) -> None:
    """Do what a first start takes long for: build the address table, compile for this processor. For upgrades, and for units."""
    from caudal.collector.daemon.preparation import prepare

    file = _settings_file(context, config)
    with private_files(), _one_line_errors():
        prepare(file, typer.echo)


@collect_cli.command("replay")
def replay_command(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="In order; captures (pcap, pcapng) of what routers sent."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings of the collector in whose place this meters.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=_MOMENTS, help="Only what was captured from then on; UTC."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=_MOMENTS, help="Only what was captured before; UTC.")
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Although it was replayed before: what counts already counts twice."),
    ] = False,
    received_too: Annotated[
        bool,
        typer.Option("--received-too", help="Also what was captured while the collector was receiving."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Meter captured exports as the collector would have, and ship them: a day that it was down.

    Beside a collector at work or without; its templates and rates are read, and nothing of it is touched. What was replayed
    before is refused. Without a FILE it finishes what was interrupted.
    """
    from caudal.collector.settings.settingsfile import load_settings
    from caudal.commands.replaying import replay_files, show_replayed
    from caudal.showing.present import console

    file = _settings_file(context, config)
    forbid_core_dumps()
    log_to_stderr("%(levelname)s %(message)s")
    with private_files(), _one_line_errors():
        replayed = replay_files(
            load_settings(file), files or [], since, until, again=again, received_too=received_too
        )
    if as_json:
        typer.echo(json.dumps(replayed.plain))
    else:
        show_replayed(console(), replayed)


@app.command("serve")
def serve_command(
    config: Annotated[Path, typer.Option("--config", help="Settings, as deploy/service.toml shows.")],
) -> None:
    """Take batches from collectors and answer the API; until SIGTERM.

    SIGHUP reads token files, keys and people again.
    """
    from caudal.service.api.server import run
    from caudal.service.settings.settings import load_settings

    with private_files(), _one_line_errors():
        raise typer.Exit(run(load_settings(config), lambda: load_settings(config)))


@app.command("meter")
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
    with _one_line_errors(), _progress("packets") as advance:
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


@app.command("inspect")
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
    with _one_line_errors(), _progress("records") as advance:
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
    # It takes a while to import, which other commands need not.
    from caudal.collector.columns.kernel import compiled_before

    once = "" if compiled_before() else ", and compiling for this processor: half a minute, once"
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} " + of + once), TimeElapsedColumn())
    err = Console(stderr=True)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(of, total=None)
        yield lambda count: progress.advance(task, count)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "caudal":
            raise
        typer.echo(
            f"caudal: {error.name} is not installed: this command needs what the service needs; install "
            "caudal[service], as docs/deploy.md shows",
            err=True,
        )
        sys.exit(2)
