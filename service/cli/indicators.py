"""`caudal indicators`: publish months, look what is published, compute it again, export it."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caudal.common.counted import counted
from caudal.common.options import Config
from caudal.common.wholefile import whole_file, whole_output
from caudal.service.cli.client import answer_of, service_of
from caudal.service.vocabulary.period import MONTH_PATTERN

EXIT_DIFFERENT = 1

indicators_cli = typer.Typer(
    name="indicators",
    help="Publish the indicators of months, compute them again, export them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

EconomyOption = Annotated[
    str | None, typer.Option("--economy", help="ISO 3166-1 alpha-2 code; by default every one with data.")
]


class Content(StrEnum):
    """What can be exported."""

    values = "values"
    aggregates = "aggregates"


@indicators_cli.command("compute")
def compute_command(
    config: Config,
    month: Annotated[str, typer.Option("--month", help="YYYY-MM, a month that is over.")],
    economy: EconomyOption = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why a month that was published is to be published again.")
    ] = "",
) -> None:
    """Compute a month and publish it. What is published never changes: a revision needs a reason."""
    if not re.fullmatch(MONTH_PATTERN, month):
        raise typer.BadParameter(f"{month!r} is no month; write YYYY-MM", param_hint="--month")
    order = {"month": month, "reason": reason, **({"economy": economy} if economy else {})}
    with service_of(config) as client:
        receipt = answer_of(client.post("/v1/vintages", json=order))
    for outcome in receipt["outcomes"]:
        made = outcome["vintage"]
        said = (
            f"published as {made['vintage']}, {counted(made['observations'], 'value')}"
            if made
            else {
                "unchanged": "would say what is published; not published again",
                "already published": "is published; give --reason to revise it",
            }[outcome["outcome"]]
        )
        typer.echo(f"{outcome['economy']} {month}: {said}")


@indicators_cli.command("list")
def list_command(config: Config, economy: EconomyOption = None) -> None:
    """List what is published."""
    with service_of(config) as client:
        found = answer_of(client.get("/v1/vintages", params={"economy": economy} if economy else {}))
    if not found["vintages"]:
        typer.echo(f"nothing is published{f' of {economy}' if economy else ''} yet")
    for each in found["vintages"]:
        reason = f"  {each['reason']}" if each["reason"] else ""
        typer.echo(
            f"{each['vintage']:<18} {each['computed_at'][:16]}  {each['observations']:>5} values  "
            f"reference {each['reference_version']}{reason}"
        )


@indicators_cli.command("recompute")
def recompute_command(
    config: Config,
    vintage: Annotated[
        str, typer.Argument(help="As `caudal indicators list` names it, for instance XA-2026-08-v1.")
    ],
) -> None:
    """Compute a vintage again from what it was computed from; exit with 1 where a number is another.

    What is computed by another method now is told and not compared: the release that published it computes it.
    """
    with service_of(config) as client:
        answer = answer_of(client.get(f"/v1/vintages/{vintage}/recomputation"))
    if answer["methods"]:
        typer.echo(
            f"methods changed: {', '.join(answer['methods'])}; {answer['software']} computes these to the digit"
        )
    if answer["facts_of_today"]:
        typer.echo(
            f"facts that its reference did not have yet, as they are now: {', '.join(answer['facts_of_today'])}"
        )
    if answer["same"]:
        compared = f"all {counted(answer['observations'], 'value')}"
        typer.echo(
            f"{vintage}: {compared}{' of the other methods' if answer['methods'] else ''} are the same"
        )
        return
    for difference in answer["differences"]:
        typer.echo(difference)
    raise typer.Exit(EXIT_DIFFERENT)


@indicators_cli.command("export")
def export_command(
    config: Config,
    content: Annotated[Content, typer.Argument(help="All values, or the monthly aggregates behind them.")],
    economy: EconomyOption = None,
    first: Annotated[str | None, typer.Option("--from", help="First month, YYYY-MM.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month, YYYY-MM, included.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of standard output.")
    ] = None,
) -> None:
    """Write everything that is published as JSON Lines, with the terms of use on the first line.

    Of as many months at once as the settings allow, 36 by default: give --from and --to for more.
    """
    asked = {"economy": economy, "from": first, "to": last}
    parameters = {name: value for name, value in asked.items() if value}
    # The file is made before a service of our own is: unlike what that writes, an export is readable by whomever the
    # user's umask lets.
    with (
        whole_output() if output is None else whole_file(output) as file,
        service_of(config) as client,
        client.stream("GET", f"/v1/export/{content.value}.jsonl", params=parameters) as answer,
    ):
        if answer.is_error:
            answer.read()
            answer_of(answer)
        for piece in answer.iter_bytes():
            file.write(piece)
    if output is not None:
        typer.echo(f"{output} written")
