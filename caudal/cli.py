"""The command `caudal`: the one place that declares its commands, each with the module that defines it."""

import sys

import typer

from caudal import __version__
from caudal.commands.commandgroup import CommandGroup, DeferredCommand


class Commands(CommandGroup):
    """The commands of `caudal`, in the order in which the help shows them."""

    deferred = (
        DeferredCommand(
            "demo",
            "caudal.demo.cli",
            "demo_command",
            "Show everything at work: synthetic routers export real NetFlow v9 and IPFIX to a collector and a service.",
        ),
        DeferredCommand(
            "meter",
            "caudal.commands.capturecli",
            "meter_command",
            "Meter capture files of traffic, or of export datagrams: totals, ledger and indicators at once.",
        ),
        DeferredCommand(
            "inspect", "caudal.commands.capturecli", "inspect_command", "Show what an exporter really sends."
        ),
        DeferredCommand(
            "collect",
            "caudal.commands.collectcli",
            "collect_cli",
            "Receive exports from routers, meter them, and ship aggregates to the service; until SIGTERM.",
        ),
        DeferredCommand(
            "serve",
            "caudal.commands.servecli",
            "serve_command",
            "Take batches from collectors and answer the API; until SIGTERM.",
        ),
        DeferredCommand(
            "report",
            "caudal.service.cli.report",
            "report_command",
            "Write the report of an economy's month, or with --region that of a country group's.",
        ),
        DeferredCommand(
            "indicators",
            "caudal.service.cli.indicators",
            "indicators_cli",
            "Publish the indicators of months, compute them again, export them.",
        ),
        DeferredCommand(
            "batches",
            "caudal.service.cli.batches",
            "batches_cli",
            "Find batches, take them back and count them again; settle those that are held or quarantined.",
        ),
        DeferredCommand(
            "keys", "caudal.service.cli.keys", "keys_cli", "Make, list and revoke keys to the service."
        ),
        DeferredCommand(
            "audit",
            "caudal.service.cli.keys",
            "audit_cli",
            "Read the record of what was done, and check that it is whole.",
        ),
        DeferredCommand(
            "reference",
            "caudal.reference.cli.cli",
            "reference_cli",
            "The facts: what they say, checking, comparing, importing them.",
        ),
        DeferredCommand(
            "dashboards",
            "caudal.dashboards.cli",
            "dashboards_cli",
            "Build the Grafana dashboard, or publish it.",
        ),
    )


app = typer.Typer(
    name="caudal",
    cls=Commands,
    help="Monitors a country's digital sovereignty from the metadata of its data flows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def caudal_command() -> None:
    """Monitors a country's digital sovereignty from the metadata of its data flows."""


@app.command("version")
def version_command() -> None:
    """Print the version."""
    typer.echo(__version__)


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
