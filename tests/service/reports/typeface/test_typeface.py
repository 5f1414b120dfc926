"""Widths of texts: those that Typst sets, and lines that keep to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.reports.typeface import width_of, wrapped
from caudal.service.reports.typeface.advance import _widths
from caudal.service.reports.typeface.build import WEIGHTS, widths
from caudal.service.reports.typeface.lines import ELLIPSIS, RESERVE


@pytest.mark.parametrize("name", WEIGHTS)
def test_widths_are_those_of_the_font(name: str) -> None:
    assert _widths()[name] == widths(WEIGHTS[name])


def test_what_the_font_lacks_is_taken_to_be_wide() -> None:
    assert width_of("漢字", 10) == 20 and width_of("e\u0301", 10) == width_of("e", 10)
    assert width_of("Chile", 10, bold=True) > width_of("Chile", 10) == pytest.approx(22.6, abs=0.1)


@given(
    st.text(alphabet="abcdefghijklmñopqrWM ., -\u00a0漢", max_size=120),
    st.floats(30, 400),
    st.integers(1, 4),
    st.booleans(),
)
def test_lines_keep_to_their_width_and_lose_nothing_unsaid(
    text: str, width: float, most: int, bold: bool
) -> None:
    found = wrapped(text, width, 10, most, bold=bold)
    assert len(found.lines) <= most
    assert all(width_of(line, 10, bold=bold) * RESERVE <= width + 1e-6 for line in found.lines)

    def letters(said: str) -> str:
        return said.replace(" ", "").replace("\u00a0", "").replace("-", "")

    kept = letters("".join(found.lines))
    if found.whole:
        assert kept == letters(text)
    else:
        assert kept.endswith(ELLIPSIS) and letters(text).startswith(kept.removesuffix(ELLIPSIS))


def test_lines_end_between_words() -> None:
    name = "Economía de demostración (sintética) y muy larga, con más palabras que lugar"
    found = wrapped(name, 130, 10, 2)
    assert found.lines == ("Economía de demostración", "(sintética) y muy larga,…") and not found.whole
    assert wrapped("39,8\u00a0% [39,7\u00a0–\u00a045,6\u00a0%]", 90, 10).lines == (
        "39,8\u00a0%",
        "[39,7\u00a0–\u00a045,6\u00a0%]",
    )
