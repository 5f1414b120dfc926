"""The pages about the indicators in short have all of them, under the titles that reports use."""

import pytest

from caudal.service.vocabulary.languages import ORIGINAL
from tests.docs.titles import COMMAND, headings, in_short, titled
from tests.docs.translated import LANGUAGES


@pytest.mark.parametrize("code", [ORIGINAL, *LANGUAGES])
def test_every_indicator_stands_in_its_place_under_its_title(code: str) -> None:
    page = in_short(code).read_text(encoding="utf-8")
    assert [line for line in page.split("\n") if line.startswith("### ")] == headings(code), COMMAND
    assert page == titled(page, code), f"write what is said of indicators by {COMMAND}"


def test_a_title_that_changed_is_written_and_a_new_indicator_is_added() -> None:
    page = (
        '# Page\n\nBefore.\n\n## Dependency\n\n### <a id="c6"></a>C6 · Old title\n<!-- of page.md#c6 1a2b3c4d -->\n'
        "\nOld text,\nof two lines.\n\n## After\n"
    )
    written = titled(page, "es")
    whole = in_short("es").read_text(encoding="utf-8")
    c6, c7 = (next(line for line in headings("es") if f'id="{name}"' in line) for name in ("c6", "c7"))
    assert written.startswith(
        f"# Page\n\nBefore.\n\n## Dependency\n\n{c6}\n<!-- of page.md#c6 1a2b3c4d -->\n\n"
    )
    assert f"\n\n{c7}\n<!-- of docs/indicators-in-short.md#c7 -->\n\n" in written
    assert written.endswith("\n\n## After\n")
    first = whole.partition(f"{c6}\n")[2].partition("-->\n\n")[2].partition("\n\n")[0]
    assert first in written and "Old text" not in written
    assert titled(written, "es") == written


def test_a_page_of_other_things_stays() -> None:
    page = '# Page\n\n### <a id="x1"></a>X1 · Something else\n\nText.\n'
    assert titled(page, "en") == page
