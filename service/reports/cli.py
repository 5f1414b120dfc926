"""`caudal report`: a month's report in any form, from a service that runs or from a store."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from caudal.service.client import problem_of, refuse, service_at, service_of

_SERVICE = "http://127.0.0.1:8080"


def report_command(
    economy: Annotated[
        str, typer.Argument(metavar="ECONOMY", help="ISO 3166-1 alpha-2 code, for instance CL.")
    ],
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A month with data.")],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="json, csv, xlsx, sdmx-csv, sdmx-json, html or pdf; by default what --output ends in, else json.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="es, pt or en; by default what the people of the economy speak."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to this file; by default text goes to standard output, the rest to a file here.",
        ),
    ] = None,
    vintage: Annotated[
        str | None,
        typer.Option("--vintage", help="A published vintage, as `caudal indicators list` names it."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Settings of the service: asks it, or reads its store where it does not run."
        ),
    ] = None,
    service: Annotated[
        str, typer.Option("--service", help="Where a service answers, if without --config.")
    ] = _SERVICE,
) -> None:
    """Write the report of an economy's month."""
    from caudal.service.errors import QuestionError
    from caudal.service.period import Month
    from caudal.service.reports.forms import FORMS
    from caudal.service.reports.language import LANGUAGES

    by_suffix: dict[str, str] = {}
    for form in FORMS.values():
        by_suffix.setdefault(form.suffix.rpartition(".")[2], form.name)
    suffix = output.suffix.removeprefix(".") if output is not None else ""
    if not format and suffix and suffix not in by_suffix:
        refuse(f"no format ends in .{suffix}: give --format, or an --output in {', '.join(by_suffix)}")
    name = format or by_suffix.get(suffix, "json")
    if name not in FORMS:
        refuse(f"there is no format {name!r}; there are {', '.join(FORMS)}")
    if language is not None and language not in LANGUAGES:
        refuse(f"there is no language {language!r}; there are {', '.join(LANGUAGES)}")
    try:
        path = f"/v1/reports/{economy.upper()}/{Month.parse(month)}"
    except QuestionError as error:
        refuse(str(error))
    asked = {"format": name, "language": language, "vintage": vintage}
    with service_of(config) if config is not None else service_at(service) as client:
        answer = client.get(path, params={key: value for key, value in asked.items() if value})
    if answer.is_error:
        refuse(problem_of(answer))
    target = output
    if target is None and FORMS[name].binary:
        # The name that the service gives, and nothing of a path in it.
        target = Path(Path(answer.headers["content-disposition"].partition('filename="')[2].rstrip('"')).name)
    if target is None or str(target) == "-":
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()
        return
    _write(target, answer.content)
    typer.echo(f"{target} written")


def _write(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        refuse(f"{target} cannot be written: {error.strerror}; give another --output")
