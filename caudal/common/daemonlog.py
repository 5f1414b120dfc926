"""The log of whatever runs long: lines on standard error, as text for people or as JSON for what gathers logs."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType

from caudal.common.logline import LineFormatter, Repeats, line, quoted

_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Libraries that log every request at INFO, which says nothing.
_TALKATIVE = ("httpx",)


class LogLevel(StrEnum):
    """The least that is logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"

    @property
    def number(self) -> int:
        """The level as Python's logging counts it."""
        return logging.getLevelNamesMapping()[self.name.upper()]


class LogFormat(StrEnum):
    """The forms in which a record of the log is written."""

    text = "text"
    json = "json"


class TextFormatter(LineFormatter):
    """Makes a line of text of a record: `2026-11-30T12:00:00.000Z WARNING caudal.collector.daemon.run: message`."""

    def __init__(self) -> None:
        super().__init__(_FORM)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002
        """Return when a record was made, UTC, to the millisecond (RFC 3339)."""
        return _time(record)


class JsonFormatter(logging.Formatter):
    """Makes a JSON object of a record, on one line: `time`, `level`, `logger`, `message`.

    A record of an error has `error` (its class and message) and `at` (file and line that raised it) as well, and no
    traceback. Whatever is unprintable is escaped, as in text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON without an end of line."""
        said = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": line(record.name),
            "message": line(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            said["error"] = line(f"{kind.__name__}: {error}")
            if trace is not None:
                said["at"] = _raised_at(trace)
        return json.dumps(said, ensure_ascii=False)


def log_to_stderr(level: LogLevel = LogLevel.info, log_format: LogFormat = LogFormat.text) -> None:
    """Log to standard error from here on: each record in one line, what repeats once a minute.

    `debug` shows what Caudal says, and no more of the libraries than before: they would tell headers with tokens in
    them. Threads that end by an error are logged likewise.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level.number)
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.json else TextFormatter())
    handler.addFilter(Repeats())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if level is LogLevel.debug:
        logging.getLogger("caudal").setLevel(logging.DEBUG)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    threading.excepthook = _thread_ended


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _raised_at(trace: TracebackType) -> str:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return line(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if issubclass(ended.exc_type, SystemExit):
        return
    error: tuple[type[BaseException], BaseException, TracebackType | None] | bool = False
    if ended.exc_value is not None:
        error = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    name = ended.thread.name if ended.thread is not None else "a thread"
    logging.getLogger("caudal").error("the thread %s ended by an error", quoted(name), exc_info=error)
