"""The rules about which package may import which hold (pyproject.toml, [tool.importlinter])."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_each_package_imports_only_what_stands_below_it() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the dotted name and the syntax of every module of a package: ("caudal.service.api.app", ...)."""
    directory = ROOT / package.replace(".", "/")
    for path in sorted(directory.rglob("*.py")):
        inside = path.relative_to(directory).with_suffix("").parts
        yield ".".join((package, *inside)).removesuffix(".__init__"), ast.parse(path.read_text("utf-8"))


def imported(module: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever it does: "caudal.service", "caudal.service.api.app"."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_only_the_application_imports_routes() -> None:
    routes = "caudal.service.routes"
    importing = {
        name
        for name, module in modules("caudal.service")
        if any(each.startswith(routes) for each in imported(module))
    }
    assert importing == {"caudal.service.api.app"}


def test_handlers_are_functions_of_their_module() -> None:
    """No handler is made inside of a function: what it works with is among its parameters."""
    for name, module in modules("caudal.service.routes"):
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in module.body:
                assert not node.decorator_list, f"{name}: {node.name} is decorated inside of a function"


# Of objects of others, who have it so: uvicorn, starlette, anyio, Typer, numpy and zipfile. `told` is set by its own __new__.
FOREIGN = frozenset(
    {
        "__doc__",
        "compress_type",
        "disconnected",
        "external_attr",
        "should_exit",
        "status_code",
        "told",
        "total_tokens",
        "writeable",
    }
)


def test_nobody_sets_the_attributes_of_others() -> None:
    """What an object has it is given when it is made, or sets itself."""
    found = {
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for package in ("caudal.service", "caudal.dashboards")
        for name, module in modules(package)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr not in FOREIGN
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }
    assert not found, sorted(found)


# Where SELECTs stand: those of the service, those by which the store looks after itself, and those of the dashboards.
SELECTING = (
    "caudal.service.queries",
    "caudal.service.store",
    "caudal.service.migration",
    "caudal.service.ingest",
    "caudal.dashboards.sql",
)
_SELECT = re.compile(r"(?:^|\()\s*(?:SELECT|WITH)\s")


def texts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every text of a module that is no docstring, with its line; the parts of an f-string one by one."""
    prose = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def is_within(name: str, rooms: Iterable[str]) -> bool:
    """Return whether a module is one of these modules, or stands in one of these packages."""
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def test_selects_stand_with_the_queries_and_the_store() -> None:
    found = {
        f"{name}:{line}"
        for package in ("caudal.service", "caudal.dashboards", "caudal.demo", "caudal.reference")
        for name, module in modules(package)
        if not is_within(name, SELECTING)
        for line, text in texts(module)
        if _SELECT.search(text)
    }
    assert not found, f"SELECTs outside of {', '.join(SELECTING)}: {', '.join(sorted(found))}"
