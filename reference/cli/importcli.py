"""`caudal reference import`: figures of publishers, in their own formats, into an overlay."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caudal.reference.files.errors import ImportFault

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    from caudal.reference.publishers import Imported
    from caudal.reference.reference import Reference

import_cli = typer.Typer(
    name="import",
    help="Take figures from publishers' files into an overlay.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="As downloaded; CSV or its ZIP.")]
Into = Annotated[Path, typer.Option("--overlay", help="Overlay directory to write into; made if missing.")]
Since = Annotated[int, typer.Option("--since", help="First year to take.")]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day the file was taken; today if not given."),
]
FIRST_YEAR = 2015


class SdmxTarget(StrEnum):
    """Which facts an SDMX message holds."""

    services_trade = "services_trade"
    tariff_rates = "tariff_rates"
    value_added = "value_added"


@import_cli.command("world-bank")
def world_bank_command(files: Files, overlay: Into, since: Since = FIRST_YEAR, as_of: AsOf = None) -> None:
    """World Bank: people, internet users, product, subscriptions, trade in services."""
    from caudal.reference.publishers import read_world_bank

    day = as_of.date() if as_of else None
    _import(overlay, lambda reference: read_world_bank(files, reference, since, day))


@import_cli.command("itu")
def itu_command(
    files: Files,
    overlay: Into,
    since: Since = FIRST_YEAR,
    as_of: AsOf = None,
    series: Annotated[
        list[str] | None,
        typer.Option("--series", help="Another series: CODE=technology or CODE=technology/per_100."),
    ] = None,
) -> None:
    """ITU DataHub: subscriptions, mobile broadband among them."""
    from caudal.reference.publishers import read_itu
    from caudal.reference.publishers.itu import SERIES

    _import(
        overlay,
        lambda reference: read_itu(
            files, reference, since, (as_of or datetime.now(UTC)).date(), {**SERIES, **_series(series or [])}
        ),
    )


@import_cli.command("batis")
def batis_command(
    file: Annotated[Path, typer.Argument(help="OECD-WTO_BATIS_BPM6_….csv or its ZIP.")],
    overlay: Into,
    since: Since = FIRST_YEAR,
    as_of: AsOf = None,
) -> None:
    """OECD-WTO BaTIS, the bulk file: balanced trade in services with the world."""
    from caudal.reference.publishers import read_batis

    day = (as_of or datetime.now(UTC)).date()
    _import(overlay, lambda reference: read_batis(file, reference, since, day))


@import_cli.command("sdmx")
def sdmx_command(
    file: Annotated[Path, typer.Argument(help="SDMX-ML, SDMX-JSON or SDMX-CSV data message.")],
    overlay: Into,
    to: Annotated[SdmxTarget, typer.Option("--to", help="The file of facts to make rows of.")],
    since: Since = FIRST_YEAR,
    as_of: AsOf = None,
    structure: Annotated[
        Path | None, typer.Option("--structure", help="Data structure definition of the message (SDMX-ML).")
    ] = None,
    dimension: Annotated[
        list[str] | None,
        typer.Option("--dimension", help="Which component is meant, as item=SERVICES; may be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Keep observations of one value, as DATATYPE=AVEEstimated."),
    ] = None,
) -> None:
    """SDMX: services trade (OECD-WTO BaTIS), tariffs (WITS/TRAINS), value added (national accounts)."""
    from caudal.reference.publishers import TARGETS, read_sdmx_data

    _import(
        overlay,
        lambda reference: read_sdmx_data(
            file,
            TARGETS[to.value],
            reference,
            since,
            (as_of or datetime.now(UTC)).date(),
            structure=structure,
            named=_pairs(dimension or []),
            only=_pairs(only or []),
        ),
    )


def _import(overlay: Path, read: Callable[["Reference"], "list[Imported]"]) -> None:
    from caudal.reference.publishers import write_overlay
    from caudal.reference.reference import load_reference

    reference = load_reference(overlay if overlay.is_dir() else None)
    for written in write_overlay(overlay, read(reference)):
        typer.echo(str(written))
    load_reference(overlay)
    typer.echo(f"look at it: caudal reference check {overlay}; caudal reference diff {overlay}")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise ImportFault(f"{text!r} is not of the form NAME=VALUE")
        pairs[name] = value
    return pairs


def _series(texts: list[str]) -> dict[str, tuple[str, str]]:
    from caudal.reference.publishers.itu import SERIES

    known = sorted({technology for technology, _ in SERIES.values()})
    series = {}
    for code, meaning in _pairs(texts).items():
        technology, _, unit = meaning.partition("/")
        if technology not in known or unit not in ("", "per_100"):
            raise ImportFault(
                f"{meaning!r} is not one of {', '.join(known)}, each as it is or with /per_100 behind"
            )
        series[code] = (technology, "per_100_inhabitants" if unit else "subscriptions")
    return series
