"""Methods of indicators in the language of a report, by their definitions."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from caudal.service.indicators import Definition
from caudal.service.reports.language.language import Language

# The language of the definitions themselves.
ORIGINAL = "en"


@dataclass(frozen=True)
class MethodText:
    """The words of a definition; `language` is the one that they are in."""

    formula: str
    source: str
    critique: str
    language: str


def method_text(definition: Definition, language: Language) -> MethodText:
    """Return the words of a definition in a language; in English where it has none for it."""
    told = translations(language.code).get(definition.id)
    if told is None:
        return MethodText(definition.formula, definition.source, definition.critique, ORIGINAL)
    written = language.written
    return MethodText(
        written(told["formula"]), written(told["source"]), written(told["critique"]), language.code
    )


def fingerprint(definition: Definition) -> str:
    """Return 8 hex digits of the English words: a translation names those that it was made of."""
    text = "\0".join((definition.formula, definition.source, definition.critique))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@lru_cache
def translations(code: str) -> Mapping[str, Mapping[str, str]]:
    """Return formula, source, critique and `of`, the fingerprint, by indicator; nothing of the original language."""
    if code == ORIGINAL:
        return {}
    found: dict[str, Any] = tomllib.loads(
        (files(__package__) / f"{code}.methods.toml").read_text(encoding="utf-8")
    )
    return found
