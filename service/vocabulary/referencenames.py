"""Names in the reference, in every language: economies, countries, kinds of service.

The reference has names in some languages, in columns as `name_es`. A language that it has no column for calls countries as
CLDR does, and kinds of service as its own file has it in [category]; what neither names is called as in English.
"""

from collections.abc import Iterator

import polars as pl
from babel import Locale

from caudal.reference import Reference
from caudal.service.vocabulary.languages import LANGUAGES, ORIGINAL, TRANSLATED, texts


def economy_names(reference: Reference, economy: str) -> dict[str, str]:
    """Return the names of an economy by language; its code where the reference does not know it."""
    rows = reference.economies.filter(pl.col("country") == economy)
    if rows.is_empty():
        rows = reference.countries.filter(pl.col("country") == economy)
    if rows.is_empty():
        return dict.fromkeys((ORIGINAL, *TRANSLATED), economy)
    return {language: _countries(rows, language)[economy] for language in (ORIGINAL, *TRANSLATED)}


def country_names(reference: Reference) -> dict[str, dict[str, str]]:
    """Return the names of all countries, by language and code."""
    return {language: _countries(reference.countries, language) for language in LANGUAGES}


def category_names(reference: Reference) -> dict[str, dict[str, str]]:
    """Return the names of all kinds of service, by language and category."""
    frame = reference.facts("categories")
    return {language: _categories(frame, language) for language in LANGUAGES}


def _countries(frame: pl.DataFrame, language: str) -> dict[str, str]:
    if f"name_{language}" in frame.columns:
        return dict(_pairs(frame, "country", language))
    territories = Locale.parse(language).territories
    return {country: territories.get(country, name) for country, name in _pairs(frame, "country", ORIGINAL)}


def _categories(frame: pl.DataFrame, language: str) -> dict[str, str]:
    if f"name_{language}" in frame.columns:
        return dict(_pairs(frame, "category", language))
    names = texts(language).get("category", {})
    return {category: names.get(category, name) for category, name in _pairs(frame, "category", ORIGINAL)}


def _pairs(frame: pl.DataFrame, key: str, language: str) -> Iterator[tuple[str, str]]:
    return zip(frame[key], frame[f"name_{language}"], strict=True)
