"""`caudal report`: a month's report in any form, from a service that runs or from a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caudal.common.wholefile import STANDARD_OUTPUT, write_whole
from caudal.service.cli.client import problem_of, refuse, service_at, service_of

if TYPE_CHECKING:
    import httpx

_OK = 200
_SERVICE = "http://127.0.0.1:8080"


def report_command(
    economy: Annotated[
        str, typer.Argument(metavar="ECONOMY", help="ISO 3166-1 alpha-2 code, for instance CL.")
    ],
    month: Annotated[str | None, typer.Argument(metavar="YYYY-MM", help="A month with data.")] = None,
    region: Annotated[
        str | None,
        typer.Option(
            "--region",
            metavar="GROUP",
            help="A country group, for instance CELAC, in place of an economy: the month of all its economies that published it.",
        ),
    ] = None,
    form_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="json, csv, xlsx, sdmx-csv, sdmx-json, html, pdf, brief, brief-html or press; by default what --output ends in, else json.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            help="es, pt or en; by default what is read in the economy, or in most of the group.",
        ),
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
    """Write the report of an economy's month, or with --region that of a country group's."""
    from caudal.service.reports.forms import FORMS
    from caudal.service.reports.language import LANGUAGES
    from caudal.service.reports.region.forms import REGION_FORMS
    from caudal.service.vocabulary.period import Month

    forms = tuple(FORMS if region is None else REGION_FORMS)
    by_suffix: dict[str, str] = {}
    for each in forms:
        by_suffix.setdefault(FORMS[each].suffix.rpartition(".")[2], each)
    suffix = output.suffix.removeprefix(".") if output is not None else ""
    if not form_name and suffix and suffix not in by_suffix:
        refuse(f"no format ends in .{suffix}: give --format, or an --output in {', '.join(by_suffix)}")
    name = form_name or by_suffix.get(suffix, "json")
    if name not in forms:
        refuse(f"there is no format {name!r}; there are {', '.join(forms)}")
    if language is not None and language not in LANGUAGES:
        refuse(f"there is no language {language!r}; there are {', '.join(LANGUAGES)}")
    if region is not None and month is not None:
        refuse("with --region there is no economy: give the month alone, as in --region CELAC 2026-10")
    # Beside a region the month is all that is asked for.
    of, asked_month = (
        (f"region/{region.upper()}", economy) if region is not None else (economy.upper(), month)
    )
    if asked_month is None:
        refuse(f"give a month after {economy}, as in CL 2026-10")
    path = f"/v1/reports/{of}/{Month.parse(asked_month)}"
    asked = {"format": name, "language": language, "vintage": vintage}
    with service_of(config) if config is not None else service_at(service) as client:
        answer = client.get(path, params={key: value for key, value in asked.items() if value})
    if answer.is_error:
        refuse(problem_of(answer))
    check_whole(answer, FORMS[name].bare_type)
    target = output
    if target is None and FORMS[name].binary:
        # The name that the service gives, and nothing of a path in it.
        target = Path(Path(answer.headers["content-disposition"].partition('filename="')[2].rstrip('"')).name)
    write_whole(target, answer.content)
    if target is not None and str(target) != STANDARD_OUTPUT:
        typer.echo(f"{target} written")


def check_whole(answer: "httpx.Response", media_type: str) -> None:
    """End the command unless an answer is a whole report of this media type.

    A redirection, an answer without a body, of another length than it says or of another kind than was asked for
    comes from a service that was stopped meanwhile, or from something else that answers at its address.
    """
    said = answer.headers.get("content-length")
    kind = answer.headers.get("content-type", "").partition(";")[0]
    wrong = ""
    if answer.status_code != _OK:
        wrong = f"status {answer.status_code}"
    elif not answer.content:
        wrong = "nothing"
    elif said is not None and "content-encoding" not in answer.headers and said != str(len(answer.content)):
        wrong = f"{len(answer.content)} of {said} bytes"
    elif kind != media_type:
        wrong = f"{kind or 'no media type'} where {media_type} was asked for"
    if wrong:
        refuse(
            f"the service at {answer.url.copy_with(path='/', query=None)} answered {wrong}, no report; ask again"
        )
