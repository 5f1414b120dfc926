"""What was measured, as a table in the terminal, as JSON, and as a page of the documentation."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figure import Figure, Section
from bench.machine import Machine

_HEADINGS = ("", "Caudal", "slowest … fastest", "peer", "ratio")


def as_json(machine: Machine, sections: list[Section]) -> dict[str, Any]:
    """Return everything as plain values."""
    return {"machine": asdict(machine), "sections": [asdict(section) for section in sections]}


def from_json(kept: dict[str, Any]) -> list[Section]:
    """Return the sections of what `as_json` made; the method of each says when they were measured."""
    when = f"Measured on {kept['machine']['date']}, load average {kept['machine']['busy']}."
    return [
        Section(
            section["title"],
            f"{section['method']} {when}",
            [Figure(**figure) for figure in section["figures"]],
            section["details"],
        )
        for section in kept["sections"]
    ]


def show(console: Console, machine: Machine, sections: list[Section]) -> None:
    """Show the figures."""
    console.print(f"{machine.processor}, {machine.cores} cores; Python {machine.python}; {machine.date}")
    for section in sections:
        table = Table(title=section.title, title_justify="left", header_style="bold", box=None)
        for number, heading in enumerate(_HEADINGS):
            table.add_column(heading, justify="left" if number == 0 else "right")
        for figure in section.figures:
            style = "red bold" if figure.status == "FAILED" else None
            table.add_row(*_cells(figure), style=style)
        console.print(table)
        for figure in section.figures:
            if figure.note:
                console.print(
                    f"{figure.what}: {figure.note}", style="red bold" if figure.status == "FAILED" else "dim"
                )
        console.print()


def as_page(machine: Machine, sections: list[Section]) -> str:
    """Return the page."""
    software = {**machine.packages, **machine.peers}
    packages = ", ".join(f"{name} {version}" for name, version in software.items())
    parts = [
        "# Performance",
        "Written by `python -m bench --write docs/performance.md`; change `bench/` rather than this page.",
        f"Measured on {machine.date}: {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, "
        f"{machine.system}; Caudal {machine.caudal}, Python {machine.python}, {packages}.",
        "**The machine is a virtual one and shared with other work** (load average of the minute before: "
        f"{machine.busy}). Absolute figures drift by tens of per cent from run to run; ratios hold better, since peers "
        "take turns with Caudal on the same input, and each ratio is the median of the ratios of the rounds. "
        "Figures are medians of rounds; the range is that of Caudal's rounds.",
        "Repeat with `make bench` (about fifteen minutes; `python -m bench --json FILE` keeps the figures, `python -m bench peers` measures one part, and `python -m bench soak --minutes 60` is a long run).",
    ]
    for section in sections:
        parts += [f"## {section.title}", section.method, _markdown(section)]
    return "\n\n".join(parts) + "\n"


def _markdown(section: Section) -> str:
    rows = [_HEADINGS, tuple("---" if number == 0 else "---:" for number in range(len(_HEADINGS)))]
    rows += [_cells(figure) for figure in section.figures]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    notes = [f"- {figure.what}: {figure.note}." for figure in section.figures if figure.note]
    return "\n\n".join([table, "\n".join(notes)] if notes else [table])


def _cells(figure: Figure) -> tuple[str, ...]:
    if figure.status == "FAILED":
        return (figure.what, "FAILED", "", figure.peer_name, "")
    peer = figure.peer_name
    if figure.peer is not None:
        peer += f" {number(figure.peer)}"
    elif figure.status == "missing":
        peer += " missing"
    spread = "" if figure.low == figure.high else f"{number(figure.low)} … {number(figure.high)}"
    ratio = "" if figure.ratio is None else f"{number(figure.ratio)}×"
    return (figure.what, f"{number(figure.caudal)} {figure.unit}", spread, peer, ratio)


def number(value: float) -> str:
    """Return a figure with three significant digits."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{_three(value / unit)}{name}"
    return _three(value)


def _three(value: float) -> str:
    if value == int(value) and abs(value) < 1000:
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
