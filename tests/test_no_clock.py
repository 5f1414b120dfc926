"""No test may depend on how fast the machine is, or on its being idle: what would make one so is forbidden here.

What a piece of work costs is counted (`effort.py`); what takes a while is waited for by looking again and again
(`patience.py`).
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_SECONDS

TESTS = Path(__file__).parent
LEAST_SECONDS = 60

# By file and function, with the reason: here the clock decides on nothing that is asserted.
EXEMPT = {
    ("data/make_exports.py", "exported"): "recorded, once and by hand, what tests read",
    ("collector/test_run_interfaces.py", "at_rest"): "waits until no hour is about to end",
    ("support/patience.py", "wait_until"): "is what all others wait with",
    ("killing/victims.py", "_merge"): "paces work in the background of whoever is killed",
    ("service/door/test_parts.py", "test_work_stops_when_nobody_waits_for_it"): (
        "sets ends an hour ahead and in the past"
    ),
    ("deploy/test_operators_document.py", "send"): "is the pace of a router while commands are played",
    ("test_kill_matrix.py", "send_until"): "paces what is sent; whether it came to anything is not asserted",
    (
        "collector/test_serviceclient.py",
        "trickle",
    ): "is the impatience of who plays a service that misbehaves",
    ("collector/test_shipper.py", "test_stopping_while_the_service_is_away_leaves_the_batch"): (
        "gives up at once on what never comes"
    ),
}
_CLOCKS = {
    f"{name}{unit}"
    for name in ("monotonic", "perf_counter", "process_time", "thread_time")
    for unit in ("", "_ns")
}
_WAITS = {"wait", "join", "settimeout", "drain", "communicate", "get", "result"}
_CLIENTS = {"get", "post", "put", "delete", "head", "request", "stream", "Client"}


def findings(tree: ast.AST) -> Iterator[tuple[str, ast.AST, str]]:
    """Yield what a file does with time: in which function, where, and what is wrong with it."""
    for function, node in _by_function(tree, ""):
        if isinstance(node, ast.Call):
            for wrong in _call(node):
                yield function, node, wrong
        elif isinstance(node, ast.Compare) and any(
            isinstance(part, ast.BinOp) and any(_is(call, "time", "time") for call in ast.walk(part))
            for part in (node.left, *node.comparators)
        ):
            yield function, node, "compares a length of time: wait with wait_until, or count with effort"


def _by_function(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield inside, child
        yield from _by_function(child, inside)


def _is(node: ast.AST, module: str, name: str) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(called, ast.Attribute)
        and called.attr == name
        and isinstance(called.value, ast.Name)
        and called.value.id == module
    )


def _call(node: ast.Call) -> Iterator[str]:
    if any(_is(node, "time", clock) for clock in _CLOCKS):
        yield "reads a clock: count with effort what work costs, wait with wait_until"
    pause = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    # asyncio.sleep(0) lets others go on, and waits for nothing.
    if _is(node, "time", "sleep") or (_is(node, "asyncio", "sleep") and pause != 0):
        yield "sleeps: wait with wait_until for what is to be so"
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    given = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
    waits = given + (node.args[:1] if name in _WAITS - {"get"} else [])
    if any(isinstance(value, ast.Constant) and _short(value.value) for value in waits):
        yield f"waits for less than {LEAST_SECONDS} s: give PATIENCE_SECONDS"
    if any(_is(node, "httpx", each) for each in _CLIENTS) and not {"timeout", "transport"} & {
        keyword.arg for keyword in node.keywords
    }:
        yield "waits for an answer no longer than httpx does by itself: give timeout=PATIENCE_SECONDS"
    if isinstance(node.func, ast.Name) and node.func.id in ("settings", "hypothesis_settings"):
        for keyword in node.keywords:
            if keyword.arg in ("deadline", "suppress_health_check"):
                yield f"sets {keyword.arg}, which the one profile in conftest.py does for all"


def _short(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LEAST_SECONDS


def test_no_test_depends_on_time() -> None:
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        name = str(path.relative_to(TESTS))
        for function, node, wrong in findings(ast.parse(path.read_text(encoding="utf-8"))):
            if (name, function) not in EXEMPT:
                found.append(f"tests/{name}:{node.lineno} ({function}) {wrong}")  # type: ignore[attr-defined]
    assert not found, "\n".join(found)


def test_every_exemption_is_needed() -> None:
    needed = {
        (str(path.relative_to(TESTS)), function)
        for path in TESTS.rglob("*.py")
        for function, _, _ in findings(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert set(EXEMPT) <= needed


@pytest.mark.parametrize(
    "code",
    [
        "began = time.monotonic()",
        "assert time.time() - began < 2",
        "time.sleep(0.1)",
        "thread.join(5)",
        "event.wait(timeout=1)",
        "subprocess.run(command, timeout=20)",
        "httpx.get(url)",
        "httpx.Client(base_url=url)",
        "settings(deadline=200)",
    ],
)
def test_the_search_would_find_it(code: str) -> None:
    assert list(findings(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "now = int(time.time())",
        "thread.join(PATIENCE_SECONDS)",
        "httpx.get(url, timeout=PATIENCE_SECONDS)",
        "' '.join(names)",
    ],
)
def test_the_search_finds_nothing_else(code: str) -> None:
    assert not list(findings(ast.parse(code)))


def test_work_is_counted_alike_each_time_and_shows_its_square() -> None:
    from tests.support.effort import effort, growth

    def pairs(size: int) -> Callable[[], object]:
        return lambda: [(one, other) for one in range(size) for other in range(size)]

    def singles(size: int) -> Callable[[], object]:
        return lambda: [one + 1 for one in range(size)]

    assert effort(pairs(10)) == effort(pairs(10))
    assert growth(pairs, 50) > 10
    assert growth(singles, 50) < 5


def test_patience_is_long() -> None:
    assert PATIENCE_SECONDS >= 10 * LEAST_SECONDS
