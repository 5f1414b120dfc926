"""`python -m bench`: measure Caudal, beside peers where there are any."""

# Before anything that starts threads is imported: they stay where they are started.
from bench.machine import describe, pin

_CORES = pin()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TypeVar  # noqa: E402

from rich.console import Console  # noqa: E402

from bench import (  # noqa: E402
    capturepeers,
    decoding,
    endtoend,
    exportpeers,
    floods,
    growth,
    indicators,
    metering,
    page,
    soak,
    storing,
)
from bench.figure import Section  # noqa: E402

_PARTS: dict[str, Callable[[], list[Section]]] = {
    "decode": lambda: [decoding.measure()],
    "endtoend": lambda: [_on_all_cores(endtoend.measure)],
    "peers": lambda: [*_on_all_cores(exportpeers.measure), capturepeers.measure()],
    "growth": lambda: [growth.measure()],
    "capture": lambda: [metering.measure()],
    "store": lambda: [_on_all_cores(storing.measure)],
    "indicators": lambda: [_on_all_cores(indicators.measure)],
    "floods": lambda: [_on_all_cores(floods.measure)],
}
_LONG = "soak"
_Measured = TypeVar("_Measured")


def _on_all_cores(run: Callable[[], _Measured]) -> _Measured:
    os.sched_setaffinity(0, _CORES)
    try:
        return run()
    finally:
        pin()


def main() -> int:
    """Measure the parts asked for, show them, and return 1 where something FAILED."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"of {', '.join(_PARTS)}, all by default (none with --with); or {_LONG}",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help=f"how long {_LONG} runs; 5 by default")
    parser.add_argument(
        "--rate", type=float, default=50_000.0, help=f"datagrams/s of {_LONG}; 50000 by default"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of the documentation")
    parser.add_argument(
        "--with",
        dest="kept",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="take in what an earlier run wrote with --json; may be said several times",
    )
    arguments = parser.parse_args()
    parts = _PARTS | {_LONG: lambda: [_on_all_cores(lambda: soak.measure(arguments.minutes, arguments.rate))]}
    unknown = [part for part in arguments.parts if part not in parts]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(parts)}")
    console = Console()
    machine = describe()
    sections: list[Section] = []
    for name in arguments.parts or ([] if arguments.kept else _PARTS):
        with Console(stderr=True).status(f"measuring: {name}"):
            sections += parts[name]()
    for path in arguments.kept:
        sections += page.from_json(json.loads(path.read_text("utf-8")))
    page.show(console, machine, sections)
    if arguments.json:
        arguments.json.write_text(json.dumps(page.as_json(machine, sections), indent=1) + "\n", "utf-8")
    if arguments.write:
        arguments.write.write_text(page.as_page(machine, sections), "utf-8")
    return int(any(figure.status == "FAILED" for section in sections for figure in section.figures))


if __name__ == "__main__":
    sys.exit(main())
