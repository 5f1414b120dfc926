"""Which pages exist in Spanish and Portuguese, and whether they render the English as it is now.

Below each heading of a translated page stands the English section that it renders, with the fingerprint of that
section when it was rendered:

    ## Qué muestra
    <!-- of README.md#what-it-shows 1a2b3c4d -->

Several sections may be rendered under one heading, each with its comment. `python -m tests.docs.translated` writes the
fingerprints of now, and prints which sections had changed: read those again first.
"""

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.docs.markdown import ROOT, Section, links, sections

COMMAND = "python -m tests.docs.translated"
_REFERENCE = re.compile(
    r"^<!-- of (?P<page>[^\s#]+)#(?P<anchor>\S+)(?: (?P<fingerprint>[0-9a-f]{8}))? -->$", re.MULTILINE
)


@dataclass(frozen=True)
class Page:
    """An English page, what it is called in each language, and the heading from which on it is not translated."""

    names: Mapping[str, str]
    until: str | None = None

    def in_language(self, code: str) -> str:
        """Return the path of the page in a language, from the root."""
        return f"docs/{code}/{self.names[code]}"


def _page(es: str, pt: str, until: str | None = None) -> Page:
    return Page(MappingProxyType({"es": es, "pt": pt}), until)


LANGUAGES = ("es", "pt")
# What the public reads, by its English path.
PAGES: Mapping[str, Page] = MappingProxyType(
    {
        "README.md": _page("leame.md", "leia-me.md", until="start"),
        "docs/report.md": _page("informe.md", "relatorio.md", until="for-machines-and-developers"),
        "docs/indicators-in-short.md": _page("indicadores.md", "indicadores.md"),
        "docs/operators.md": _page("operadores.md", "operadoras.md"),
        "docs/privacy.md": _page("privacidad.md", "privacidade.md"),
        "docs/how-to-cite.md": _page("como-citar.md", "como-citar.md"),
        "docs/glossary.md": _page("glosario.md", "glossario.md", until="numbers"),
    }
)


def fingerprint(section: Section) -> str:
    """Return 8 hex digits of what stands below a heading, however its lines are broken."""
    return hashlib.sha256(" ".join(section.body.split()).encode()).hexdigest()[:8]


def originals(root: Path = ROOT) -> dict[str, str]:
    """Return the fingerprint of each English section that is to be had in every language, by `page#anchor`."""
    found = {}
    for path, page in PAGES.items():
        for section in sections((root / path).read_text(encoding="utf-8")):
            if section.anchor == page.until:
                break
            found[f"{path}#{section.anchor}"] = fingerprint(section)
        else:
            assert page.until is None, (
                f"{path} has no heading #{page.until}: name the first not to be translated"
            )
    return found


def problems(code: str, root: Path = ROOT) -> list[str]:
    """Return what is wrong with the pages of a language, each in a line that says what to do."""
    wanted = originals(root)
    rendered: set[str] = set()
    told = []
    for path, page in PAGES.items():
        name = page.in_language(code)
        if not (root / name).is_file():
            told.append(f"{name} does not exist: write it from {path}")
            continue
        for section in sections((root / name).read_text(encoding="utf-8")):
            where = f"{name}, “{section.title}”"
            references = list(_REFERENCE.finditer(section.body))
            if not references:
                told.append(
                    f"{where} does not say what it renders: write <!-- of PAGE.md#heading --> below it, then {COMMAND}"
                )
            for reference in references:
                of = f"{reference['page']}#{reference['anchor']}"
                rendered.add(of)
                if of not in wanted:
                    told.append(
                        f"{where} renders {of}, which is no section to be translated: correct or remove it"
                    )
                elif reference["fingerprint"] != wanted[of]:
                    told.append(f"{where}: {of} has changed: render it anew, then {COMMAND}")
    absent = [of for of in wanted if of not in rendered]
    told += [f"{of} is in no page of docs/{code}: render it in {_home(of, code)}" for of in absent]
    return told


def _home(of: str, code: str) -> str:
    return PAGES[of.partition("#")[0]].in_language(code)


def strays(code: str, root: Path = ROOT) -> list[str]:
    """Return the links of a language to English sections that it has itself; a page may name the one it renders."""
    known = originals(root)
    pages = {page.in_language(code): path for path, page in PAGES.items()}
    told = []
    for name, original in pages.items():
        text = (root / name).read_text(encoding="utf-8")
        for link in links(text):
            target, _, anchor = link.partition("#")
            path = Path(os.path.normpath(f"{name}/../{target}")).as_posix()
            if path in PAGES and path != original and (not anchor or f"{path}#{anchor}" in known):
                told.append(f"{name}: {link} is {PAGES[path].in_language(code)}")
    return told


def write(root: Path = ROOT) -> list[str]:
    """Write the fingerprints of now into all translated pages, and return a line for each that was another."""
    wanted = originals(root)
    told = []

    def written(reference: re.Match[str]) -> str:
        of = f"{reference['page']}#{reference['anchor']}"
        if of not in wanted:
            return reference[0]
        if reference["fingerprint"] not in (None, wanted[of]):
            told.append(f"{path.relative_to(root)}: {of} had changed")
        return f"<!-- of {of} {wanted[of]} -->"

    for code in LANGUAGES:
        for path in sorted((root / "docs" / code).glob("*.md")):
            text = path.read_text(encoding="utf-8")
            path.write_text(_REFERENCE.sub(written, text), encoding="utf-8")
    return told


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in write())
