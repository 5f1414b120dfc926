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

from rich.console import Console  # noqa: E402

from bench import decoding, endtoend, metering, page, storing  # noqa: E402
from bench.figure import Section  # noqa: E402

_PARTS: dict[str, Callable[[], Section]] = {
    "decode": decoding.measure,
    "endtoend": lambda: _on_all_cores(endtoend.measure),
    "capture": metering.measure,
    "store": lambda: _on_all_cores(storing.measure),
}


def _on_all_cores(run: Callable[[], Section]) -> Section:
    os.sched_setaffinity(0, _CORES)
    try:
        return run()
    finally:
        pin()


def main() -> int:
    """Measure the parts asked for, show them, and return 1 where something FAILED."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}; all by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of the documentation")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in _PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    console = Console()
    machine = describe()
    sections = []
    for name in arguments.parts or _PARTS:
        with Console(stderr=True).status(f"measuring: {name}"):
            sections.append(_PARTS[name]())
    page.show(console, machine, sections)
    if arguments.json:
        arguments.json.write_text(json.dumps(page.as_json(machine, sections), indent=1) + "\n", "utf-8")
    if arguments.write:
        arguments.write.write_text(page.as_page(machine, sections), "utf-8")
    return int(any(figure.status == "FAILED" for section in sections for figure in section.figures))


if __name__ == "__main__":
    sys.exit(main())
