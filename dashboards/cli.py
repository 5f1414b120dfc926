"""`caudal dashboards`: build the dashboard's JSON, publish it to a Grafana."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from caudal.common.wholefile import write_whole
from caudal.dashboards.errors import PublishError

TOKEN_VARIABLE = "CAUDAL_GRAFANA_TOKEN"
PASSWORD_VARIABLE = "CAUDAL_GRAFANA_CLICKHOUSE_PASSWORD"

dashboards_cli = typer.Typer(
    name="dashboards",
    help="Build the Grafana dashboard, or publish it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@dashboards_cli.command("build")
def build_command(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
) -> None:
    """Write the dashboard as Grafana's classic JSON."""
    from caudal.dashboards.sovereignty import build, dashboard_json

    text = dashboard_json(build())
    write_whole(output, text.encode())
    if output is not None:
        typer.echo(f"{output} written")


@dashboards_cli.command("publish")
def publish_command(
    url: Annotated[str, typer.Option("--url", help="Root of the Grafana, as https://grafana.example.net")],
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help=f"File with a service account token; or set {TOKEN_VARIABLE}."),
    ] = None,
    datasource: Annotated[
        str | None, typer.Option("--datasource", help="Name or uid of the ClickHouse data source.")
    ] = None,
    clickhouse_host: Annotated[
        str | None,
        typer.Option("--clickhouse-host", help="Create the data source where it is missing, on this host."),
    ] = None,
    clickhouse_port: Annotated[int, typer.Option(help="Native port of ClickHouse.")] = 9000,
    clickhouse_database: Annotated[str, typer.Option(help="Database of the store.")] = "caudal",
    clickhouse_user: Annotated[str, typer.Option(help="A user who may only read.")] = "grafana",
    clickhouse_password_file: Annotated[
        Path | None, typer.Option(help=f"File with that user's password; or set {PASSWORD_VARIABLE}.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Make a Grafana hold the dashboard; does nothing where it is already there."""
    from caudal.dashboards.publish import NewDatasource, publish

    token = _secret(token_file, TOKEN_VARIABLE)
    if not token:
        raise PublishError(f"no token: give --token-file, or set {TOKEN_VARIABLE}")
    new = None
    if clickhouse_host is not None:
        new = NewDatasource(
            host=clickhouse_host,
            port=clickhouse_port,
            database=clickhouse_database,
            username=clickhouse_user,
            password=_secret(clickhouse_password_file, PASSWORD_VARIABLE),
        )
    done = publish(url, token, datasource=datasource, create_datasource=new)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "outcome": done.outcome,
                    "url": done.url,
                    "uid": done.uid,
                    "datasource": done.datasource,
                    "created": list(done.created),
                }
            )
        )
        return
    for what in done.created:
        typer.echo(f"{what} created")
    typer.echo(f"dashboard {done.outcome}: {done.url}")


def _secret(file: Path | None, variable: str) -> str:
    if file is None:
        return os.environ.get(variable, "").strip()
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PublishError(f"{file} cannot be read: {reason}") from error
