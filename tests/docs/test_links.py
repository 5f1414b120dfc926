"""Links of the pages lead to files and headings that exist."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.markdown import ROOT, anchors, links, pages


def broken(page: Path, root: Path = ROOT) -> list[str]:
    """Return the relative links of a page that lead nowhere, each with why."""
    told = []
    for link in links(page.read_text(encoding="utf-8")):
        if "://" in link or link.startswith(("mailto:", "/v1/")):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            told.append(f"{link}: there is no {name}")
        elif not target.is_relative_to(root):
            told.append(f"{link}: outside of the repository")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            told.append(f"{link}: {target.name} has no heading #{anchor}")
    return told


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not broken(page)


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n\n[a](#here) [b](#there) [c](nothing.md) ![d](nothing.svg)\n\n| [e](no.md) |\n|---|\n"
    )
    assert [each.partition(":")[0] for each in broken(page, tmp_path)] == [
        "#there",
        "nothing.md",
        "nothing.svg",
        "no.md",
    ]


def unknown_modules(text: str, paths: set[str]) -> set[str]:
    """Return the modules named in a text, as `deliver/spool.py`, that no path of the repository ends with."""
    named = re.findall(r"`([a-z0-9_/]+\.py)`", text)
    return {name for name in named if not any(path == name or path.endswith("/" + name) for path in paths)}


def test_modules_that_texts_name_are_there() -> None:
    """Modules move; what pages and docstrings call them must move with them."""
    folders = (
        "collector",
        "service",
        "reference",
        "dashboards",
        "caudal",
        "bench",
        "tests",
        "deploy",
        "project",
    )
    sources = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    paths = {path.relative_to(ROOT).as_posix() for path in sources}
    assert len(paths) > 900
    texts = [*sources, *(page for page in pages() if page.name != "CHANGELOG.md")]
    lost = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in texts
        if path != Path(__file__)
        for name in unknown_modules(path.read_text("utf-8"), paths)
    }
    assert lost == set()


def test_modules_that_are_gone_are_found() -> None:
    paths = {"collector/deliver/spool.py"}
    assert unknown_modules("`spool.py`, `deliver/spool.py` and `collector/spool.py`", paths) == {
        "collector/spool.py"
    }
