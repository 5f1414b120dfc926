"""The page about the indicators is what the definitions say."""

import subprocess
import sys
from pathlib import Path

from caudal.service.indicators import CATALOGUE, FLAGS
from caudal.service.indicators.document import COMMAND, catalogue_document

PAGE = Path(__file__).parents[3] / "docs" / "indicators.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == catalogue_document(), (
        f"docs/indicators.md is stale: run {COMMAND}"
    )


def test_the_page_says_everything_about_every_indicator():
    page = catalogue_document()
    for indicator in CATALOGUE.values():
        definition = indicator.definition
        for text in (*definition.title.values(), definition.formula, definition.critique, definition.source):
            assert text.replace("|", "\\|") in page
        assert all(f"`{name}`" in page for name in definition.details)
    assert all(f"`{flag}`" in page for flag in FLAGS)


def test_the_command_writes_the_page():
    written = subprocess.run(
        [sys.executable, "-m", "caudal.service.indicators.document"],
        capture_output=True,
        check=True,
        cwd=PAGE.parents[1],
        env={"PYTHONIOENCODING": "utf-8", "PYTHONPATH": "."},
    )
    assert written.stdout.decode() == catalogue_document()
