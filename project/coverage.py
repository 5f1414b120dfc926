"""Tells of each room which of its lines the tests run: what `make coverage` prints when they have ended.

python -m project.coverage                  one row a room
python -m project.coverage service/store    and of these rooms the lines that nothing ran
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import CoverageException

# Compiled to machine code when first called: no line of theirs can be seen to run.
_COMPILERS = frozenset({"kernel", "njit"})


@dataclass(frozen=True)
class Module:
    """Line numbers of one module: its statements, those that never ran, and those that are compiled (in neither)."""

    path: Path
    statements: frozenset[int]
    missed: frozenset[int]
    compiled: frozenset[int]

    @property
    def room(self) -> str:
        """The folder that the module lies in, from the root: "service/store"."""
        return self.path.parent.as_posix()


@dataclass(frozen=True)
class Room:
    """A folder and how many lines of its modules are statements, never ran, and are compiled."""

    name: str
    modules: int
    statements: int
    missed: int
    compiled: int

    @property
    def row(self) -> str:
        share = (
            f"{1 - self.missed / self.statements:.1%}".removesuffix("%") + " %" if self.statements else "–"
        )
        numbers = f"{self.modules:8}{self.statements:12}{self.missed:9}{share:>9}{self.compiled:10}"
        return f"{self.name:36}{numbers}"


HEADING = f"{'room':36}{'modules':>8}{'statements':>12}{'not run':>9}{'run':>9}{'compiled':>10}"


def compiled_lines(source: str) -> Iterator[int]:
    """Yield the numbers of the lines inside functions that a compiler of kernels decorates, but for the decorator."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            names = {
                part.id
                for each in node.decorator_list
                for part in ast.walk(each)
                if isinstance(part, ast.Name)
            }
            attributes = {
                part.attr
                for each in node.decorator_list
                for part in ast.walk(each)
                if isinstance(part, ast.Attribute)
            }
            if (names | attributes) & _COMPILERS:
                yield from range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)


def measured(coverage: Coverage, root: Path) -> Iterator[Module]:
    """Yield the modules of which `coverage` has data, those that no test imported included."""
    for name in sorted(coverage.get_data().measured_files()):
        _, statements, _, missed, _ = coverage.analysis2(name)
        compiled = frozenset(compiled_lines(Path(name).read_text(encoding="utf-8")))
        yield Module(
            Path(name).relative_to(root),
            frozenset(statements) - compiled,
            frozenset(missed) - compiled,
            compiled & frozenset(statements),
        )


def rooms(modules: Iterable[Module]) -> list[Room]:
    """Return the rooms in the order of their names, and below them their sum."""
    by_room: dict[str, list[Module]] = defaultdict(list)
    everything: list[Module] = []
    for module in modules:
        by_room[module.room].append(module)
        everything.append(module)
    return [*(_room(name, by_room[name]) for name in sorted(by_room)), _room("all", everything)]


def _room(name: str, modules: list[Module]) -> Room:
    return Room(
        name,
        len(modules),
        sum(len(module.statements) for module in modules),
        sum(len(module.missed) for module in modules),
        sum(len(module.compiled) for module in modules),
    )


def ranges(statements: frozenset[int], missed: frozenset[int]) -> str:
    """Return the lines that did not run: "3-5, 9" where no statement between 3 and 5 ran."""
    found: list[list[int]] = []
    before_missed = False
    for line in sorted(statements):
        if line in missed and before_missed:
            found[-1][1] = line
        elif line in missed:
            found.append([line, line])
        before_missed = line in missed
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def main(asked: list[str]) -> int:
    """Print the rooms, and of those `asked` for each module's lines that nothing ran."""
    root = Path.cwd()
    coverage = Coverage(data_file=root / ".coverage" / "data", config_file=False)
    try:
        coverage.load()
        modules = list(measured(coverage, root))
    except CoverageException as error:
        print(f"coverage: {error}; run make coverage first", file=sys.stderr)
        return 1
    if not modules:
        print("coverage: no test has been measured: run make coverage first", file=sys.stderr)
        return 1
    print(HEADING)
    for room in rooms(modules):
        print(room.row)
    for module in modules:
        if module.room in asked and module.missed:
            print(f"{module.path}: {ranges(module.statements, module.missed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
