"""The error tree: whatever Caudal raises on purpose is in it, and it is drawn as it is."""

import builtins
import importlib
import pkgutil
import re
from pathlib import Path

import caudal
from caudal.common import errors
from caudal.common.errors import CaudalError

DRAWN = re.compile(r"^((?:│   |    )*)[├└]── (\w+) ")


def raised() -> set[type[BaseException]]:
    """Return the exceptions that modules of Caudal define."""
    found = set()
    for module in pkgutil.walk_packages(caudal.__path__, "caudal."):
        if module.name == "caudal.__main__":
            continue
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and issubclass(each, BaseException) and each.__module__ == module.name:
                found.add(each)
    return found


def test_whatever_is_raised_on_purpose_is_in_the_tree() -> None:
    assert [each for each in raised() if not issubclass(each, CaudalError)] == []


def test_the_tree_is_drawn_as_it_is() -> None:
    assert errors.__doc__ is not None
    above = ["CaudalError"]
    drawn: dict[str, str] = {}
    for line in errors.__doc__.splitlines():
        if found := DRAWN.match(line):
            depth = len(found[1]) // 4 + 1
            drawn[found[2]] = above[depth - 1]
            above[depth:] = [found[2]]
    defined = {
        each.__name__: next(base.__name__ for base in each.__bases__ if issubclass(base, CaudalError))
        for each in raised() - {CaudalError}
    }
    assert drawn == defined


def test_no_error_has_the_name_of_another_nor_of_a_builtin() -> None:
    names = [each.__name__ for each in raised()]
    assert len(names) == len(set(names))
    assert not set(names) & set(vars(builtins))


def test_a_command_catches_nothing_but_the_root_of_the_tree() -> None:
    """What is not in the tree is a defect, and ends a command with a traceback."""
    source = (Path(caudal.__path__[0]) / "commands" / "commandgroup.py").read_text()
    assert re.findall(r"except (.+?) as", source) == ["CaudalError"]
