"""Every sentence that a store of before codes can hold is read as the reason that it tells."""

import string

import pytest

from caudal.service.migration.sentences import SENTENCES, read_sentence
from caudal.service.vocabulary.reason import REASONS, Figure, Told

_SHAPED: dict[str, str] = {"country": "CL", "month": "2026-10", "year": "2010"}


def figures(code: str) -> dict[str, Figure]:
    """Return figures for an old sentence: of its numbers 3 and 2.5, of its texts their own names."""
    found: dict[str, Figure] = {}
    for _, name, kind, _ in string.Formatter().parse(SENTENCES[code]):
        if name == "why":
            found[name] = SENTENCES["few_reported"].format(operators=2, minimum=3)
        elif name:
            found[name] = {"d": 3, "g": 2.5}.get(kind or "", _SHAPED.get(name, f"any {name}"))
    return found


def sentence(code: str) -> str:
    """Return what a version of before stored."""
    return SENTENCES[code].format(**figures(code))


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_read(code: str) -> None:
    (told,) = read_sentence(sentence(code)).told
    assert told == Told(code, figures(code))


def test_what_was_withheld_is_read_to_the_inner_reason() -> None:
    (told,) = read_sentence(sentence("withheld")).told
    inner = told.figures["why"]
    assert [each.code for each in getattr(inner, "told", ())] == ["few_reported"]


@pytest.mark.parametrize("code", sorted(SENTENCES.keys() - {"product"}))
def test_sentences_together_are_read_apart(code: str) -> None:
    first, second = sentence(code), sentence("tax_rate")
    assert [each.code for each in read_sentence(f"{first}; {second}").told] == [code, "tax_rate"]
    assert [each.code for each in read_sentence(f"{second}; {first}").told] == ["tax_rate", code]


@pytest.mark.parametrize(
    "text",
    ["", "needs a miracle", "there are no bytes out or in.", "there are no bytes out or in; needs a miracle"],
)
def test_a_sentence_that_nobody_knows_is_kept(text: str) -> None:
    made = read_sentence(text)
    assert (made, made.told) == (text, (Told("earlier", {"text": text}),))


def test_every_code_of_before_has_its_figures_still() -> None:
    """A reason that is gone is told as code and figures; one that stays may be worded anew, with no other figures."""
    for code in SENTENCES.keys() & REASONS.keys():
        assert places(REASONS[code]) <= places(SENTENCES[code]), code


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
