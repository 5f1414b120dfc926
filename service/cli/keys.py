"""`caudal keys` and `caudal audit`: who may do what, and the record of what was done."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caudal.common.counted import counted
from caudal.common.options import AsJson, Config
from caudal.service.cli.client import answer_of, service_of
from caudal.service.roles.roles import OF_KEYS

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    from rich.table import Table

EXIT_NOT_WHOLE = 1

keys_cli = typer.Typer(
    name="keys",
    help="Make, list and revoke keys to the service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
audit_cli = typer.Typer(
    name="audit",
    help="Read the record of what was done, and check that it is whole.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@keys_cli.command("create")
def create_command(
    config: Config,
    role: Annotated[str, typer.Option("--role", help=f"{', '.join(OF_KEYS[:-1])} or {OF_KEYS[-1]}.")],
    name: Annotated[str, typer.Option("--name", help="Who is to hold it; of a collector its id.")],
    economy: Annotated[
        list[str] | None, typer.Option("--economy", help="Bind it to this economy; repeat for more.")
    ] = None,
    operator: Annotated[
        list[str] | None, typer.Option("--operator", help="Bind it to this operator; repeat for more.")
    ] = None,
    days: Annotated[
        int | None, typer.Option("--days", help="How long it is valid; by default 365, at most 1096.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: it is shown this once, and kept nowhere."""
    order: dict[str, Any] = {
        "role": role,
        "name": name,
        "economies": economy or [],
        "operators": operator or [],
    }
    if days is not None:
        order["days"] = days
    with service_of(config, "admin") as client:
        made = answer_of(client.post("/v1/keys", json=order), "admin")
    if as_json:
        typer.echo(json.dumps(made))
        return
    typer.echo(made["key"])
    typer.echo(
        f"key {made['id']} of {made['role']} {made['name']!r}, valid until {made['expires_at'][:10]}; it is not "
        "shown again",
        err=True,
    )


@keys_cli.command("list")
def list_command(config: Config, as_json: AsJson = False) -> None:
    """List the keys there are, and those there were."""
    with service_of(config, "admin") as client:
        found = answer_of(client.get("/v1/keys"), "admin")
    if as_json:
        typer.echo(json.dumps(found))
    elif not found["keys"]:
        typer.echo("there are no keys yet; make one with `caudal keys create`")
    else:
        table = _table("id", "role", "name", "bound to", "state", "until", "made by")
        for key in found["keys"]:
            bound = ", ".join([*(key["economies"] or ()), *(key["operators"] or ())])
            ended = f"{key['state']}: {key['reason']}" if key["reason"] else key["state"]
            until = (key["revoked_at"] or key["expires_at"])[:10]
            table.add_row(key["id"], key["role"], key["name"], bound or "–", ended, until, key["created_by"])
        _show(table)


@keys_cli.command("revoke")
def revoke_command(
    config: Config,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `caudal keys list` names it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes into the record.")],
) -> None:
    """Have a key be valid no longer, from now on."""
    if not key_id.isalnum():
        raise typer.BadParameter(f"{key_id!r} is no id of a key", param_hint="ID")
    with service_of(config, "admin") as client:
        ended = answer_of(client.post(f"/v1/keys/{key_id}/revocation", json={"reason": reason}), "admin")
    typer.echo(f"key {ended['id']} of {ended['role']} {ended['name']!r} is revoked")


@audit_cli.command("list")
def audit_list_command(
    config: Config,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many lines.")] = 50,
    deed: Annotated[
        str | None, typer.Option("--deed", help="Of this kind only, for instance publish or key.make.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest lines of the record, the newest last."""
    asked = {"limit": str(limit), **({"deed": deed} if deed else {})}
    with service_of(config, "admin") as client:
        found = answer_of(client.get("/v1/audit", params=asked), "admin")
    if as_json:
        for line in reversed(found["lines"]):
            typer.echo(json.dumps(line))
        return
    table = _table("number", "time", "who", "with", "did", "what", "outcome", "detail")
    for line in reversed(found["lines"]):
        detail = "" if line["detail"] == "{}" else line["detail"]
        who = line["actor"] if line["actor"] == line["role"] else f"{line['actor']} ({line['role']})"
        table.add_row(
            str(line["number"]),
            line["time"][:19],
            who,
            line["credential"],
            line["deed"],
            line["subject"],
            line["outcome"],
            detail,
        )
    _show(table)


@audit_cli.command("verify")
def verify_command(
    config: Config,
    known: Annotated[
        str | None,
        typer.Option("--known", help="A newest hash that was kept elsewhere: the line must still be there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the record again; exit with 1 and the first line that does not fit where it is not whole."""
    with service_of(config, "admin") as client:
        found = answer_of(
            client.get("/v1/audit/verification", params={"known": known} if known else {}), "admin"
        )
    if as_json:
        typer.echo(json.dumps(found))
    elif found["whole"]:
        typer.echo(f"{counted(found['lines'], 'line')}, whole; newest hash {found['newest']}")
        typer.echo("keep the hash elsewhere and give it with --known the next time", err=True)
    else:
        typer.echo(
            f"line {found['wrong_line']} does not fit: {found['fault']}; {counted(found['lines'], 'line before does', 'lines before do')}"
        )
    if not found["whole"]:
        raise typer.Exit(EXIT_NOT_WHOLE)


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _show(table: "Table") -> None:
    from rich.console import Console

    plain = Console(markup=False)
    (plain if plain.is_terminal else Console(markup=False, width=200)).print(table)
