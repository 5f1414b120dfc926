"""Lines of text that hold values from outside: nobody else's line can be forged in them, and none has no end.

`quoted` is for a value within a line: a name, a path, a header, what a batch says of itself. `LineFormatter` is the net
beneath: whatever a log record holds becomes one line of at most 2,000 characters, in which nothing is unprintable. It
stands below all packages, so that service and collector use the same.
"""

import logging
import sys
import threading
from types import TracebackType

QUOTED_CHARACTERS = 80
LINE_CHARACTERS = 2_000
# Of a traceback: what begins it and what ends it.
_TRACEBACK_LINES = 60
# Before a continued line, so that none of them reads as the beginning of a record.
_CONTINUED = "  | "


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


def log_to_stderr(form: str) -> None:
    """Log to standard error from here on: every record as `form` lays it out, in one line; threads that end badly, too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    threading.excepthook = _thread_ended


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if issubclass(ended.exc_type, SystemExit):
        return
    error: tuple[type[BaseException], BaseException, TracebackType | None] | bool = False
    if ended.exc_value is not None:
        error = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    name = ended.thread.name if ended.thread is not None else "a thread"
    logging.getLogger("caudal").error("the thread %s ended by an error", quoted(name), exc_info=error)


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
