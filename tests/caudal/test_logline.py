"""What a log line may hold: no value from outside forges another, or has no end."""

import logging
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.common.logline import (
    LINE_CHARACTERS,
    QUOTED_CHARACTERS,
    LineFormatter,
    Repeats,
    line,
    quoted,
)

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
HOSTILE = {
    "newline": "a\n2026-11-30 12:00:00,000 INFO caudal.service: published XA-2026-10-v1",
    "carriage return": "a\rb",
    "terminal": "\x1b[2J\x1b]0;title\x07",
    "bidi": "a\u202egpj.exe\u2066",
    "separators": "a\u2028b\u2029c\x85d\x0b\x0c\x1c",
    "surrogate": "a\ud800b",
    "zero": "a\0b",
    "quote": "' published 'x",
    "backslash": "\\n",
    "long": "x" * 50_000_000,
    "long and bad": "\x1b" * 50_000_000,
}


def plain(text: str) -> bool:
    return text.isprintable() and not any(
        unicodedata.bidirectional(each) in ("RLO", "LRO", "RLI") for each in text
    )


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_quoted_value_is_short_and_plain(value: str) -> None:
    shown = quoted(value)
    assert plain(shown)
    assert len(shown) <= QUOTED_CHARACTERS + 3
    assert shown.startswith("'")
    assert shown.endswith(("'", "'…"))
    # No quote within ends it early.
    assert "'" not in shown.rstrip("…")[1:-1].replace("\\\\", "").replace("\\'", "")


@given(st.text())
def test_any_value(value: str) -> None:
    assert plain(quoted(value))
    assert len(quoted(value)) <= QUOTED_CHARACTERS + 3
    assert plain(line(value))
    assert len(line(value)) <= LINE_CHARACTERS


def test_what_is_harmless_stays() -> None:
    assert quoted("Operación São Paulo 東京") == "'Operación São Paulo 東京'"
    assert line("collector xa-1: ok") == "collector xa-1: ok"
    assert (quoted(7), quoted(None), quoted(b"a\xff\n"), quoted([1, "a"])) == (
        "'7'", "'None'", r"'a\\xff\n'", r"'[1, \'a\']'",
    )  # fmt: skip
    assert quoted(10**5000) == "'int'"


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_record_is_one_line(value: str) -> None:
    """Wherever it stands in the record: as an argument, in the message, as the name of the logger."""
    for name, message, arguments in (
        ("caudal", "batch of %s not stored", (value,)),
        ("caudal", value.replace("%", "%%"), ()),
        (value[:5000], "hello", ()),
    ):
        record = logging.LogRecord(name, logging.WARNING, "", 1, message, arguments, None)
        said = LineFormatter(FORM).format(record)
        assert plain(said)
        assert len(said) <= LINE_CHARACTERS


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_line_of_a_traceback_reads_as_a_record(value: str) -> None:
    try:
        raise ValueError(value)
    except ValueError:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, "", 1, "Exception in it\n", (), sys.exc_info()
        )
    first, *others = LineFormatter(FORM).format(record).split("\n")
    assert first.endswith("ERROR uvicorn.error: Exception in it")
    assert others
    assert all(each.startswith("  | ") and plain(each) for each in others)
    assert len(others) < 100
    assert max(map(len, others)) <= LINE_CHARACTERS + 4


def test_a_traceback_of_many_lines_keeps_both_ends() -> None:
    try:
        raise ValueError("\n".join(map(str, range(1_000_000))))
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "it", (), sys.exc_info())
    said = LineFormatter(FORM).format(record).split("\n")
    assert said[1] == "  | Traceback (most recent call last):"
    assert said[-1] == "  | 999999"
    assert len(said) < 70


def test_what_repeats_is_said_once_a_minute() -> None:
    now = [0.0]
    repeats = Repeats(lambda: now[0])

    def said(message: str, level: int = logging.WARNING) -> str | None:
        record = logging.LogRecord("uvicorn.error", level, "", 1, "%s", (message,), None)
        return record.getMessage() if repeats.filter(record) else None

    assert said("Invalid HTTP request received.") == "Invalid HTTP request received."
    assert [said("Invalid HTTP request received.") for _ in range(1000)] == [None] * 1000
    assert said("another") == "another"
    assert [said("started", logging.INFO) for _ in range(2)] == ["started"] * 2
    now[0] = 61.0
    assert (
        said("Invalid HTTP request received.") == "Invalid HTTP request received. (1000 more since the last)"
    )
    assert said("Invalid HTTP request received.") is None
    for number in range(10_000):
        assert said(f"each another: {number}" + "x" * 100_000)
    assert len(repeats._seen) <= 256
