"""Lines of text that hold values from outside: nobody else's line can be forged in them, and none has no end.

`quoted` is for a value within a line: a name, a path, a header, what a batch says of itself. `LineFormatter` is the net
beneath: whatever a log record holds becomes one line of at most 2,000 characters, in which nothing is unprintable. It
stands below all packages, so that service and collector use the same.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

QUOTED_CHARACTERS = 80
LINE_CHARACTERS = 2_000
# Of a traceback: what begins it and what ends it.
_TRACEBACK_LINES = 60
# Before a continued line, so that none of them reads as the beginning of a record.
_CONTINUED = "  | "
_REPEAT_SECONDS = 60.0
_MOST_SEEN = 256


def quoted(value: object) -> str:
    """Return a value in quotes, cut at 80 characters, everything unprintable in it escaped: `'a\\nb'`.

    Control characters, ends of line, marks that turn the direction of writing, and halves of surrogate pairs are what is
    escaped; letters of any script stay.
    """
    text = _text(value)
    shown: list[str] = []
    room = QUOTED_CHARACTERS
    for letter in text[:QUOTED_CHARACTERS]:
        piece = f"\\{letter}" if letter in "\\'" else _escaped(letter)
        if len(piece) > room:
            break
        room -= len(piece)
        shown.append(piece)
    return f"'{''.join(shown)}'{'…' if len(shown) < len(text) else ''}"


def line(text: str, most: int = LINE_CHARACTERS) -> str:
    """Return text as one line of at most `most` characters: what is unprintable escaped, the rest cut off."""
    cut = text[:most]
    plain = cut if cut.isprintable() else "".join(map(_escaped, cut.rstrip("\n")))
    return plain if len(text) <= most and len(plain) <= most else f"{plain[: most - 1]}…"


class LineFormatter(logging.Formatter):
    """Makes one line of a log record, whatever is in it; a traceback follows in lines that are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without an end of line."""
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [line(self.formatMessage(record))]
        if record.exc_info:
            lines += _continued(self.formatException(record.exc_info))
        if record.stack_info:
            lines += _continued(self.formatStack(record.stack_info))
        return "\n".join(lines)


class Repeats(logging.Filter):
    """Lets a warning or error pass once a minute; the next that passes says how many like it did not.

    Whoever can make the service log a line can make it log a million: the disk must not be full of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: OrderedDict[tuple[str, int, str, str], list[float]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if a record is to be logged."""
        if record.levelno < logging.WARNING:
            return True
        message = record.getMessage()
        now = self._clock()
        key = (record.name, record.levelno, message[:LINE_CHARACTERS], _raised(record))
        passed_at, left_out = self._seen.pop(key, (float("-inf"), 0))
        passes = now - passed_at >= _REPEAT_SECONDS
        if passes and left_out:
            record.msg, record.args = f"{line(message)} ({left_out:.0f} more since the last)", ()
        self._seen[key] = [now, 0] if passes else [passed_at, left_out + 1]
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        return passes


def _raised(record: logging.LogRecord) -> str:
    """Return which error a record comes with, and from where: two that differ in that are two."""
    kind, _, trace = record.exc_info or (None, None, None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return f"{kind.__name__ if kind is not None else ''} {at}"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value[: 2 * QUOTED_CHARACTERS].decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except ValueError:  # a number of more digits than Python writes
        return type(value).__name__


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def _continued(text: str) -> list[str]:
    lines = text.splitlines()
    if len(lines) > _TRACEBACK_LINES:
        half = _TRACEBACK_LINES // 2
        lines = [*lines[:half], "…", *lines[-half:]]
    return [_CONTINUED + line(each) for each in lines]
