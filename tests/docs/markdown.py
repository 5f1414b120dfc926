"""Headings, sections and links of a page in Markdown."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
# GitHub drops what is neither letter, digit, hyphen, underscore nor space from a heading to name it.
_DROPPED = re.compile(r"[^\w\- ]")
_TAG = re.compile(r"<[^>]+>")
_ID = re.compile(r'<a id="([^"]+)">')
_LINK_TEXT = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, down to the next heading of any level.

    `anchor` is the id given in the heading (`<a id="j1"></a>`) or else the one that GitHub makes; `line` is the
    heading's, from 0.
    """

    anchor: str
    title: str
    level: int
    line: int
    body: str


def pages() -> list[Path]:
    """Return the pages at the root (README.md and the like) and all below docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@lru_cache
def sections(text: str) -> tuple[Section, ...]:
    """Return the sections of a page in their order; what stands before the first heading is in none."""
    lines = text.split("\n")
    tokens = MarkdownIt().parse(text)
    # Of each heading its first line, the line after it, its level and its words.
    headings = [
        (token.map[0], token.map[1], int(token.tag[1:]), tokens[index + 1].content)
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.map
    ]
    ends = [first for first, *_ in headings[1:]] + [len(lines)]
    seen: Counter[str] = Counter()
    found = []
    for (first, after, level, words), end in zip(headings, ends, strict=True):
        title = _TAG.sub("", _LINK_TEXT.sub(r"\1", words)).strip()
        slug = _DROPPED.sub("", title.lower()).replace(" ", "-")
        repeated, seen[slug] = seen[slug], seen[slug] + 1
        given = _ID.search(words)
        anchor = given[1] if given else f"{slug}-{repeated}" if repeated else slug
        found.append(Section(anchor, title, level, first, "\n".join(lines[after:end]).strip()))
    return tuple(found)


def anchors(text: str) -> set[str]:
    """Return the names that a link to this page may end in."""
    return {section.anchor for section in sections(text)} | set(_ID.findall(text))


def links(text: str) -> list[str]:
    """Return where the links and pictures of a page lead, as they are written."""
    found = []
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                found.append(str(target))
    return found


def prose(text: str) -> str:
    """Return a page without its code, its comments and the targets of its links."""
    return _LINK_TEXT.sub(r"\1", _CODE.sub(" ", re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)))
