"""Which languages there are, and the texts of each.

A language has two files in `service/texts/`: `es.toml` has the words of reports and of the statistical structure, in
sections, and how the language writes numbers; `es.indicators.toml` has for each indicator its title, formula, source,
critique and the clause that says its value. In English an indicator has these in its definition, so `en.toml` stands alone.

A language whose files are there is a language of reports, API and command line; nothing else lists them.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

_TEXTS = files("caudal.service") / "texts"
_SUFFIX = ".toml"
# The language that definitions are written in; what another language lacks is read in it.
ORIGINAL = "en"
# The others, by their codes (ISO 639-1): ("es", "pt").
TRANSLATED: tuple[str, ...] = tuple(
    sorted(
        file.name.removesuffix(_SUFFIX)
        for file in _TEXTS.iterdir()
        if file.name.count(".") == 1 and file.name.endswith(_SUFFIX) and file.name != ORIGINAL + _SUFFIX
    )
)
# All of them, in the order in which they are offered: the original last, for those who read none of the others.
LANGUAGES: tuple[str, ...] = (*TRANSLATED, ORIGINAL)


@lru_cache
def texts(code: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the sections of the file of a language: `texts("es")["label"]["value"]` is "Valor"."""
    return _read(f"{code}{_SUFFIX}")


@lru_cache
def indicator_texts(code: str) -> Mapping[str, Mapping[str, str]]:
    """Return the texts of a language on each indicator, by id; none for the original, whose texts are in the definitions.

    `title`, `formula`, `source`, `critique`, `short`, `clause`, `clause_negative` and its like, `measure`, and `of`, the fingerprint
    of the English text that these were translated from.
    """
    return {} if code == ORIGINAL else _read(f"{code}.indicators{_SUFFIX}")


def said(section: str, key: str) -> Mapping[str, str]:
    """Return a text of a section in every language, the original first, by its code."""
    return MappingProxyType({code: texts(code)[section][key] for code in (ORIGINAL, *TRANSLATED)})


def _read(name: str) -> Mapping[str, Mapping[str, Any]]:
    found = tomllib.loads((_TEXTS / name).read_text(encoding="utf-8"))
    return MappingProxyType({section: MappingProxyType(told) for section, told in found.items()})
