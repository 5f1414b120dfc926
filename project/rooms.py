"""Tells how the modules are arranged: rooms, their sizes, and who imports whom, read from the imports themselves.

python -m project.rooms            figures, and a row for each room
python -m project.rooms --write    also writes the tables of rooms in docs/architecture.md anew
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: written by `python -m project.rooms --write` -->\n", "<!-- end of rooms -->\n"
# In the order in which data goes through them.
PACKAGES = ("collector", "service", "reference", "dashboards", "caudal")


@dataclass(frozen=True)
class Room:
    """A folder of modules: its path from the root, how many modules it has, and what its docstring says first."""

    name: str
    modules: int
    purpose: str


@dataclass(frozen=True)
class Arrow:
    """An import: the module that imports and the module that is imported, by their dotted names."""

    importing: str
    imported: str

    @property
    def rooms(self) -> tuple[str, str]:
        """The rooms of both modules: ("caudal.service.routes", "caudal.service.answers")."""
        return self.importing.rpartition(".")[0], self.imported.rpartition(".")[0]


def sources() -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the path of every module, without the `__init__` of rooms."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            # The links in caudal/ lead to the folders that are looked at by themselves.
            if path.name != "__init__.py" and not any(each.is_symlink() for each in path.parents):
                yield _dotted(path), path


def rooms() -> list[Room]:
    """Return every folder that has modules, in the order of their names within each package."""
    sizes: dict[Path, int] = {}
    for _, path in sources():
        sizes[path.parent] = sizes.get(path.parent, 0) + 1
    return [Room(str(each.relative_to(ROOT)), size, _purpose(each)) for each, size in sizes.items()]


def arrows() -> list[Arrow]:
    """Return every import of one module by another, each once, wherever in the module it stands."""
    modules = {name: ast.parse(path.read_text("utf-8")) for name, path in sources()}
    found = {
        Arrow(name, target)
        for name, module in modules.items()
        for node in ast.walk(module)
        for target in _imported(node)
        if target in modules and target != name
    }
    return sorted(found, key=lambda each: (each.importing, each.imported))


def mutual(found: list[Arrow]) -> set[tuple[str, str]]:
    """Return the pairs of rooms that import each other, in alphabetical order."""
    between = {each.rooms for each in found if each.rooms[0] != each.rooms[1]}
    return {(one, other) for one, other in between if one < other and (other, one) in between}


def tables() -> str:
    """Return the rooms of each package as tables in Markdown."""
    text, there = "", rooms()
    for package in PACKAGES:
        rows = "".join(
            f"| `{room.name}/` | {room.modules} | {room.purpose} |\n"
            for room in there
            if room.name.split("/")[0] == package
        )
        text += f"\n### Rooms of `{package}/`\n\n| room | modules | what it does |\n|---|---|---|\n{rows}"
    return text.removeprefix("\n") + "\n"


def written(page: str) -> str:
    """Return a page with today's tables between the marks for them."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + tables() + END + rest.partition(END)[2]


def main(write: bool) -> None:
    """Print the figures, and with `write` write the tables into the page."""
    found, there = arrows(), rooms()
    between = [each for each in found if each.rooms[0] != each.rooms[1]]
    largest = max(there, key=lambda room: room.modules)
    print(f"rooms                              {len(there)}")
    print(f"modules                            {sum(room.modules for room in there)}")
    print(f"largest room                       {largest.name}, {largest.modules} modules")
    print(f"arrows between modules             {len(found)}")
    print(f"arrows between modules of two rooms {len(between)}")
    print(f"arrows between rooms               {len({each.rooms for each in between})}")
    print(f"pairs of rooms that import each other {len(mutual(found))}")
    for room in there:
        print(f"{room.modules:4}  {room.name}")
    if write:
        PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        yield node.module
        yield from (f"{node.module}.{each.name}" for each in node.names)


def _dotted(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name if name.startswith("caudal.") else f"caudal.{name}"


def _purpose(room: Path) -> str:
    file = room / "__init__.py"
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) if file.is_file() else None
    return (docstring or "").partition("\n")[0]


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
