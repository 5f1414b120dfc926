"""`python -m bench.validation`: how often the intervals hold the truth."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from bench.machine import describe
from bench.validation import page
from bench.validation.coverage import SCENARIOS, measure


def main() -> None:
    """Simulate, and show or write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.validation", description=__doc__)
    parser.add_argument("--worlds", type=int, default=8, help="worlds drawn; 8 by default")
    parser.add_argument("--repeats", type=int, default=50, help="times each is metered; 50 by default")
    parser.add_argument("--processes", type=int, help="at once; as many as there are cores by default")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of the documentation")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    with Progress(
        *Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as bar:
        task = bar.add_task("worlds", total=arguments.worlds * len(SCENARIOS))
        found = measure(
            worlds=arguments.worlds,
            repeats=arguments.repeats,
            processes=arguments.processes,
            done=lambda _: bar.advance(task),
        )
    text = page.as_page(found, describe(), arguments.worlds, arguments.repeats)
    if arguments.write:
        arguments.write.write_text(text, "utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
