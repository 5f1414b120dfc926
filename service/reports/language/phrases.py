"""The phrases of a language: those of its file, and what it says of each indicator."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from caudal.service.indicators import CATALOGUE
from caudal.service.vocabulary.languages import ORIGINAL, indicator_texts, texts

# How a language writes numbers: settings, no phrases.
WRITING = "language"


@lru_cache
def phrases(code: str) -> Mapping[str, Mapping[str, str]]:
    """Return the phrases of a language by section and key.

    Two sections are made of what is told of each indicator: [clause], a value in a sentence, by id and case ("V6",
    "V6_negative"), and [measure], what a value is and of what.
    """
    sections = {name: section for name, section in texts(code).items() if name != WRITING}
    of_indicators = {"clause": _clauses(code), "measure": _measures(code)}
    return MappingProxyType({**sections, **{name: MappingProxyType(x) for name, x in of_indicators.items()}})


def _clauses(code: str) -> dict[str, str]:
    if code == ORIGINAL:
        definitions = [each.definition for each in CATALOGUE.values()]
        return {
            **{each.id: each.clause for each in definitions if each.clause},
            **{f"{each.id}_{case}": text for each in definitions for case, text in each.clauses.items()},
        }
    return {
        f"{indicator}{key.removeprefix('clause')}": text
        for indicator, told in indicator_texts(code).items()
        for key, text in told.items()
        if key.startswith("clause")
    }


def _measures(code: str) -> dict[str, str]:
    if code == ORIGINAL:
        definitions = [each.definition for each in CATALOGUE.values()]
        return {each.id: each.measure for each in definitions if each.measure}
    told = indicator_texts(code)
    return {indicator: each["measure"] for indicator, each in told.items() if "measure" in each}
