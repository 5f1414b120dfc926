"""Preferences of a request among the forms and languages there are, by Accept and Accept-Language."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, Protocol

from fastapi import Request

from caudal.service.vocabulary.languages import LANGUAGES

# One of LANGUAGES, which the description of the API names.
if TYPE_CHECKING:
    LanguageCode = str
else:
    LanguageCode = Literal[LANGUAGES]


class Offered(Protocol):
    """A form that may be asked for: its name, and its media type without parameters."""

    @property
    def name(self) -> str:
        """The name of the form for `format`."""

    @property
    def bare_type(self) -> str:
        """The name of the form for Accept."""


def wanted_form(request: Request, forms: Collection[Offered], default: str) -> str:
    """Return the name of the form that Accept prefers among those there are; the default where it names none."""
    # Of forms of one media type the first: the whole report, not the brief.
    known: dict[str, str] = {}
    for form in forms:
        known.setdefault(form.bare_type, form.name)
    for media_type in _by_preference(request.headers.get("accept", "")):
        if media_type in ("*/*", "application/*"):
            return default
        if media_type in known:
            return known[media_type]
    return default


def wanted_language(request: Request) -> str | None:
    """Return the language that Accept-Language prefers among those there are; None where it names none."""
    for tag in _by_preference(request.headers.get("accept-language", "")):
        if tag.partition("-")[0] in LANGUAGES:
            return tag.partition("-")[0]
    return None


def _by_preference(header: str) -> list[str]:
    """Return the values of a header with weights (RFC 9110, 12.4.2), the most wanted first."""
    weighted = []
    for part in header.lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if value and weight > 0:
            weighted.append((weight, value))
    return [value for _, value in sorted(weighted, key=lambda each: -each[0])]
