"""Methods of indicators in the language of a report, by their definitions."""

import hashlib
from dataclasses import dataclass

from caudal.service.indicators import Definition
from caudal.service.reports.language.language import Language
from caudal.service.vocabulary.languages import ORIGINAL, indicator_texts


@dataclass(frozen=True)
class MethodText:
    """The words of a definition; `language` is the one that they are in."""

    formula: str
    source: str
    critique: str
    language: str


def method_text(definition: Definition, language: Language) -> MethodText:
    """Return the words of a definition in a language; in English where it has none for it."""
    told = indicator_texts(language.code).get(definition.id)
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
