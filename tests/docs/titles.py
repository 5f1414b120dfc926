"""What the pages about the indicators in short say of each: its title in the catalogue, and its `short`.

`python -m tests.docs.titles` writes them anew, an indicator that is new among those of its group. What stands between the
groups is written by hand, and so is the line below a heading that says which English section it renders.
"""

import re
import textwrap
from pathlib import Path

from caudal.service.indicators import CATALOGUE, Indicator
from caudal.service.vocabulary.languages import ORIGINAL, indicator_texts
from tests.docs.markdown import ROOT
from tests.docs.translated import LANGUAGES, PAGES

COMMAND = "python -m tests.docs.titles"
ENGLISH = "docs/indicators-in-short.md"
_WIDTH = 126
# An indicator: its heading, the line that says what it renders, its text up to the next heading.
_ENTRY = re.compile(
    r'^### <a id="[a-z0-9]+"></a>(?P<id>[A-Z]\d+) · .*\n(?P<of><!-- of .* -->\n)?(?:(?!#).*(?:\n|\Z))*',
    re.MULTILINE,
)
_GROUP = re.compile(rf"(?:{_ENTRY.pattern})+".replace("?P<id>", "").replace("?P<of>", ""), re.MULTILINE)


def in_short(code: str, root: Path = ROOT) -> Path:
    """Return the page about the indicators in a language."""
    return root / (ENGLISH if code == ORIGINAL else PAGES[ENGLISH].in_language(code))


def headings(code: str) -> list[str]:
    """Return the heading of each indicator in a language, in the order of the catalogue."""
    return [_heading(each, code) for each in CATALOGUE.values()]


def titled(text: str, code: str) -> str:
    """Return a page with the indicators of each of its groups as the catalogue has them."""
    return _GROUP.sub(lambda found: _group(found[0], code), text)


def _group(text: str, code: str) -> str:
    """Return the indicators of a group, given as the page has them; as it has them where the catalogue knows none."""
    rendered = {found["id"]: found["of"] or "" for found in _ENTRY.finditer(text)}
    groups = {CATALOGUE[each].definition.group for each in rendered if each in CATALOGUE}
    members = [each for each in CATALOGUE.values() if each.definition.group in groups]
    if not members:
        return text
    # Where others say what they render, a new one does.
    of = "" if code == ORIGINAL else "<!-- of {page}#{anchor} -->\n"
    told = []
    for each in members:
        id_ = each.definition.id
        comment = rendered.get(id_, of.format(page=ENGLISH, anchor=id_.lower()))
        short = textwrap.fill(_short(each, code), _WIDTH, break_long_words=False, break_on_hyphens=False)
        told.append(f"{_heading(each, code)}\n{comment}\n{short}\n")
    return "\n".join(told) + ("\n" if text.endswith("\n\n") else "")


def _short(indicator: Indicator, code: str) -> str:
    definition = indicator.definition
    return definition.short if code == ORIGINAL else indicator_texts(code)[definition.id]["short"]


def _heading(indicator: Indicator, code: str) -> str:
    id_, title = indicator.definition.id, indicator.definition.title[code]
    return f'### <a id="{id_.lower()}"></a>{id_} · {title}'


if __name__ == "__main__":
    for language in (ORIGINAL, *LANGUAGES):
        page = in_short(language)
        if page.is_file():
            page.write_text(titled(page.read_text(encoding="utf-8"), language), encoding="utf-8")
