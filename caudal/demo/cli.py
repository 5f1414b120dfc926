"""`caudal demo`: the whole of Caudal on one machine, with made-up traffic and nothing else made up."""

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caudal.common.counted import counted
from caudal.common.wholefile import write_whole

if TYPE_CHECKING:
    # What a command needs is imported when it runs: --help stays quick.
    from rich.console import Console

_MONTHS = 3
_PICTURE_WIDTH = 128


def demo_command(
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of staying.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    months: Annotated[
        int, typer.Option("--months", min=1, max=12, help="Whole months of traffic.")
    ] = _MONTHS,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", formats=["%Y-%m"], help="The month after the last one; by default this month."
        ),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--directory", help="Keep store, settings and logs here; by default a temporary one."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Also draw the table to this SVG file.")
    ] = None,
) -> None:
    """Show everything at work: synthetic routers export real NetFlow v9 and IPFIX to a collector and a service.

    The economy is XA, which does not exist: every output says synthetic.
    """
    from rich.console import Console

    from caudal.demo.processes import Deployment

    # What Ctrl-C does, SIGTERM does too: stop the parts and tidy up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say = Console(stderr=True, soft_wrap=True)
    today = until.date() if until else date.today()
    if today > date.today():
        typer.echo(f"caudal: --until {today:%Y-%m} has not begun; give a month up to this one", err=True)
        raise typer.Exit(2)
    try:
        with _directory(directory) as place, Deployment(place) as deployment:
            answer = _fill(deployment, today, months, say)
            _show(answer, as_json=as_json, picture=picture)
            if not once:
                deployment.start_collector()
                _stay(deployment, answer["months"][-1], say)
    except KeyboardInterrupt:
        say.print("stopped")


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given.resolve()
        return
    place = Path(tempfile.mkdtemp(prefix="caudal-demo-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _fill(deployment: Any, today: date, months: int, say: "Console") -> dict[str, Any]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from caudal.demo.run import answers, export

    began = time.monotonic()
    host, port = deployment.exports
    say.print(
        f"service at {deployment.url}; collector on UDP {host}:{port}; routers export {months} months of synthetic traffic"
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=say, disable=not say.is_terminal) as progress:
        task = progress.add_task("exporting NetFlow v9 and IPFIX", total=None)
        exported = export(
            deployment, today, months, lambda done, hours: progress.update(task, completed=done, total=hours)
        )
        progress.update(task, description="closing windows, shipping batches")
        deployment.stop_collector()
        progress.update(task, description="computing indicators")
        answer = answers(deployment, exported)
    say.print(
        f"{counted(exported.sent.datagrams, 'datagram')}, {counted(answer['ledger']['counts']['decoded'], 'flow record')}, "
        f"{answer['store_bytes'] / 1e6:.0f} MB on disk, {time.monotonic() - began:.0f} s"
    )
    return answer


def _show(answer: dict[str, Any], *, as_json: bool, picture: Path | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from caudal.showing.present import console, indicator_table, ledger_table, size

    if as_json:
        typer.echo(json.dumps(answer))
    if picture is None and as_json:
        return
    out = Console(record=True, width=_PICTURE_WIDTH, quiet=as_json) if picture else console()
    total, true = answer["total"], answer["model"]["bytes"]
    out.print(indicator_table(answer["indicators"], answer["months"], synthetic=True))
    out.print(
        Text(
            f"metered {size(total['bytes'], 4)} [{size(total['bytes_low'], 4)}, {size(total['bytes_high'], 4)}]; "
            f"the traffic model made {size(true, 4)}, of which its routers sampled 1 packet in 1,000"
        )
    )
    out.print(ledger_table(answer["ledger"]["counts"], balanced=answer["ledger"]["balanced"]))
    if picture is not None:
        write_whole(picture, out.export_svg(title="caudal demo · synthetic").encode())


def _stay(deployment: Any, last_month: str, say: "Console") -> None:
    host, port = deployment.exports
    say.print(f"""
API documentation   {deployment.url}/docs
one indicator       {deployment.url}/v1/indicators/J4?economy=XA
a month's report    {deployment.url}/v1/reports/XA/{last_month}
… as PDF, to read   {deployment.url}/v1/reports/XA/{last_month}?format=pdf&language=en
metrics             {deployment.url}/metrics
send it exports     NetFlow v5, v9 or IPFIX to UDP {host}:{port}
files               {deployment.directory}

Ctrl-C ends it.""")
    signal.pause()
