"""`caudal batches`: find batches, take them back, count them again, settle those that wait."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caudal.common.counted import counted
from caudal.common.options import AsJson, Config
from caudal.service.cli.client import answer_of, problem_of, refuse, service_of

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    import httpx

EXIT_SOME_REFUSED = 1
_PAGE = 1_000
_SHOWN = 20

batches_cli = typer.Typer(
    name="batches",
    help="Find batches, take them back and count them again; settle those that are held or quarantined.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Batches, by the whole of their names.")
]
Economy = Annotated[str | None, typer.Option("--economy", help="ISO 3166-1 alpha-2 code.")]
Operator = Annotated[str | None, typer.Option("--operator", help="Whose collector sent them.")]
Collector = Annotated[str | None, typer.Option("--collector", help="Which collector sent them.")]
Software = Annotated[str | None, typer.Option("--software", help="What made them: any part of its name.")]
StateOf = Annotated[
    str | None, typer.Option("--state", help="counted, held, retracted, rejected or quarantined.")
]
From = Annotated[
    str | None, typer.Option("--from", help="Received from then on, UTC: 2026-11-01 or with a time.")
]
To = Annotated[str | None, typer.Option("--to", help="Received before that, UTC.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever asks later.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@batches_cli.command("list")
def list_command(
    config: Config,
    economy: Economy = None,
    operator: Operator = None,
    collector: Collector = None,
    software: Software = None,
    state: StateOf = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List batches, the newest first."""
    filters = _filters(economy, operator, collector, software, state, start, end)
    with service_of(config, "admin") as client:
        found, count = _find(client, filters, limit)
    if as_json:
        typer.echo(json.dumps({"batches": found, "found": count}))
        return
    if not found:
        typer.echo("there are no such batches")
    for each in found:
        typer.echo(_line(each))
    if count > len(found):
        typer.echo(f"{len(found)} of {count} are shown; narrow the search, or give --limit")


@batches_cli.command("show")
def show_command(
    config: Config,
    batch_id: Annotated[str, typer.Argument(metavar="ID", help="The batch, by the whole of its name.")],
    as_json: AsJson = False,
) -> None:
    """Show a batch and what was done to it."""
    with service_of(config, "admin") as client:
        answer = answer_of(client.get(f"/v1/batches/{batch_id}"), "admin")
    if as_json:
        typer.echo(json.dumps(answer))
        return
    for name, value in answer["batch"].items():
        typer.echo(f"{name:<12} {value if value is not None else ''}".rstrip())
    for each in answer["changes"]:
        by = f" by {each['subject']}" if each["subject"] else ""
        typer.echo(f"{each['changed_at'][:19]}  {each['deed']}{by}: {each['reason']}")


def _command(order: str, text: str) -> None:
    def command(
        config: Config,
        reason: Reason,
        names: Names = None,
        economy: Economy = None,
        operator: Operator = None,
        collector: Collector = None,
        software: Software = None,
        state: StateOf = None,
        start: From = None,
        end: To = None,
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> None:
        filters = _filters(economy, operator, collector, software, state or _TAKES[order], start, end)
        _change(config, order, reason, names or [], filters, yes, as_json)

    command.__doc__ = text
    batches_cli.command(order)(command)


# The state of batches that an order is for, where none is asked for.
_TAKES = {
    "retract": "counted",
    "restore": "retracted",
    "release": "held",
    "reject": "held",
    "retry": "quarantined",
}
_command(
    "retract", "Take batches back: every sum becomes what it would be without them. They can be restored."
)
_command("restore", "Count batches again that were retracted, or rejected.")
_command("release", "Count batches that were held for review.")
_command(
    "reject",
    "Never count batches that were held or quarantined; what a quarantined one had added is taken out.",
)
_command("retry", "Try again what could not be done to batches that are quarantined.")


def _change(
    config: Path, order: str, reason: str, names: list[str], filters: dict[str, str], yes: bool, as_json: bool
) -> None:
    if not names and set(filters) <= {"state"} and order in ("retract", "restore"):
        raise typer.BadParameter("name batches, or say which with --collector, --operator, --from and so on")
    with service_of(config, "admin") as client:
        if names:
            chosen = [answer_of(client.get(f"/v1/batches/{name}"), "admin")["batch"] for name in names]
        else:
            chosen, _ = _find(client, filters, None)
        if not chosen:
            refuse("there are no such batches")
        if not yes:
            _preview(order, chosen)
            typer.confirm(f"{order} {counted(len(chosen), 'batch', 'batches')}?", abort=True, err=True)
        done, failed = _carry_out(client, order, reason, chosen)
    months = sorted({month for each in done for month in each["months"]})
    published = sorted({vintage for each in done for vintage in each["published"]})
    if as_json:
        answer = {"changed": done, "refused": failed, "months": months, "published": published}
        typer.echo(json.dumps(answer))
    else:
        for each in failed:
            typer.echo(f"{each['batch_id']}: {each['detail']}", err=True)
        typer.echo(
            f"{counted(len(done), 'batch', 'batches')}: {order} done; months: {', '.join(months) or 'none'}"
        )
        if published:
            typer.echo(f"published, and may have to be revised: {', '.join(published)}")
    if failed:
        raise typer.Exit(EXIT_SOME_REFUSED)


def _carry_out(
    client: "httpx.Client", order: str, reason: str, chosen: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Change batches one by one; return what was answered, and which were refused, and why."""
    from rich.console import Console
    from rich.progress import Progress

    done, failed = [], []
    err = Console(stderr=True)
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        for each in progress.track(chosen, description=order):
            answer = client.post(
                f"/v1/batches/{each['batch_id']}/changes", json={"change": order, "reason": reason}
            )
            if answer.is_success:
                done.append(answer.json())
            elif answer.status_code in (404, 409):
                failed.append({"batch_id": each["batch_id"], "detail": problem_of(answer)})
            else:
                refuse(
                    f"{len(done)} of {counted(len(chosen), 'batch', 'batches')} changed, then: {problem_of(answer)}"
                )
    return done, failed


def _preview(order: str, chosen: list[dict[str, Any]]) -> None:
    for each in chosen[:_SHOWN]:
        typer.echo(_line(each), err=True)
    if len(chosen) > _SHOWN:
        typer.echo(f"… and {len(chosen) - _SHOWN} more", err=True)
    senders = sorted({each["collector"] for each in chosen})
    size = sum(each["bytes"] for each in chosen)
    typer.echo(
        f"{order}: {counted(len(chosen), 'batch', 'batches')} of {', '.join(senders)}, {size:,} bytes of traffic",
        err=True,
    )


def _find(
    client: "httpx.Client", filters: dict[str, str], limit: int | None
) -> tuple[list[dict[str, Any]], int]:
    found: list[dict[str, Any]] = []
    while True:
        page = _PAGE if limit is None else min(_PAGE, limit - len(found))
        asked = {**filters, "limit": str(page), "offset": str(len(found))}
        answer = answer_of(client.get("/v1/batches", params=asked), "admin")
        found.extend(answer["batches"])
        if len(answer["batches"]) < page or len(found) == limit:
            return found, int(answer["found"]) or len(found)


def _filters(
    economy: str | None,
    operator: str | None,
    collector: str | None,
    software: str | None,
    state: str | None,
    start: str | None,
    end: str | None,
) -> dict[str, str]:
    given = {
        "economy": economy,
        "operator": operator,
        "collector": collector,
        "software": software,
        "state": state,
        "from": _time("--from", start),
        "to": _time("--to", end),
    }
    return {name: value for name, value in given.items() if value is not None}


def _time(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time; write 2026-11-01", param_hint=option) from error
    return moment.isoformat() if moment.tzinfo else f"{moment.isoformat()}Z"


def _line(each: dict[str, Any]) -> str:
    why = f"  {each['reason']}" if each["reason"] else ""
    return (
        f"{each['batch_id']}  {each['received_at'][:19]}  {each['economy']:<2} {each['collector']:<16} "
        f"{each['bytes']:>22,} bytes  {each['state']:<11} {each['software']}{why}"
    )
