"""`caudal collect`: the collector as a daemon, and what is done beside it."""

import json
import logging
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from caudal.collector.daemon.coredumps import forbid_core_dumps
from caudal.common.counted import counted
from caudal.common.daemonlog import log_to_stderr
from caudal.common.options import AsJson, Format, Level
from caudal.common.privatefiles import private_files

_MOMENTS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]

collect_cli = typer.Typer(name="collect", rich_markup_mode=None)


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
    log_level: Level = None,
    log_format: Format = None,
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

    settings = load_settings(config)
    log_to_stderr(log_level or settings.log_level, log_format or settings.log_format)
    with private_files():
        require_startable(settings)
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
    count = Spool(load_settings(file).state_directory / "spool").take_back()
    waiting = f"{counted(count, 'batch waits', 'batches wait')} to be sent again"
    typer.echo(waiting if count else "nothing was refused")


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
    with private_files():
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
    settings = load_settings(file)
    log_to_stderr(settings.log_level, settings.log_format)
    with private_files():
        replayed = replay_files(settings, files or [], since, until, again=again, received_too=received_too)
    if as_json:
        typer.echo(json.dumps(replayed.plain))
    else:
        show_replayed(console(), replayed)


def _settings_file(context: typer.Context, config: Path | None) -> Path:
    """Return the settings file given with a command below `collect`, or with `collect` itself."""
    file: Path | None = config or context.obj
    if file is None:
        raise typer.BadParameter("give the settings file", context, param_hint="--config")
    return file
