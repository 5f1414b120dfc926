"""`python -m bench.readability`: how easy the report is to read, before and after its texts were revised."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from bench.readability import months
from bench.readability.page import BEFORE, into, table
from bench.readability.score import FORMULAS, Counts, counted
from bench.readability.texts import texts_of
from caudal.service.reports.content import Content
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import Language


def measure(contents: Iterable[Content]) -> dict[str, dict[str, Counts]]:
    """Return the counts of the texts of reports, by language that has a formula and kind."""
    told: dict[str, dict[str, list[str]]] = {code: {} for code in FORMULAS}
    for content in contents:
        for code, kinds in told.items():
            for kind, texts in texts_of(Edition(content, Language.of(code, content.economy))).items():
                kinds.setdefault(kind, []).extend(texts)
    return {
        code: {kind: counted(dict.fromkeys(texts), code) for kind, texts in kinds.items()}
        for code, kinds in told.items()
    }


def _read(path: Path) -> Mapping[str, Mapping[str, Counts]]:
    kept = json.loads(path.read_text("utf-8"))
    return {code: {kind: Counts(**counts) for kind, counts in kinds.items()} for code, kinds in kept.items()}


def main() -> int:
    """Measure, and show the table or write it into the page of the documentation."""
    parser = argparse.ArgumentParser(prog="python -m bench.readability", description=__doc__)
    parser.add_argument(
        "--demo",
        type=Path,
        metavar="DIRECTORY",
        help="what caudal demo --once --directory left; else without it",
    )
    parser.add_argument(
        "--economies", default="CL,MX,BR", help="real ones, with made-up traffic; CL,MX,BR by default"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts")
    parser.add_argument(
        "--before",
        type=Path,
        default=BEFORE,
        metavar="FILE",
        help="counts to compare with, written by --json",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table into this page")
    arguments = parser.parse_args()
    contents = [*months.of_countries(filter(None, arguments.economies.split(",")))]
    if arguments.demo is not None:
        contents.append(months.of_demo(arguments.demo))
    found = measure(contents)
    if arguments.json:
        plain = {
            code: {kind: asdict(counts) for kind, counts in kinds.items()} for code, kinds in found.items()
        }
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n", "utf-8")
    before = _read(arguments.before) if arguments.before.is_file() else {}
    text = table(before, found)
    if arguments.write:
        arguments.write.write_text(into(arguments.write.read_text("utf-8"), text), "utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
