"""`caudal reference convert`: an overlay of an earlier version in today's form."""

from pathlib import Path
from typing import Annotated

import typer


def convert_command(
    overlay: Annotated[Path, typer.Argument(help="An overlay directory; its files are written anew.")],
) -> None:
    """Write the files of an overlay of an earlier version in today's columns; rows, sources and notes stay.

    Exits with 2 where the overlay, so converted, has a fault.
    """
    from caudal.reference.reading.conversion import convert_overlay
    from caudal.reference.reference import examine

    made = list(convert_overlay(overlay))
    for each in made:
        typer.echo(str(each))
    if not made:
        typer.echo("every file has today's columns")
    faults = examine(overlay)[1]
    for fault in faults:
        typer.echo(f"fault: {fault}")
    if faults:
        raise typer.Exit(2)
