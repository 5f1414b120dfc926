"""The last warnings and errors of the log, kept in memory for whoever asks how the collector is."""

import logging
from collections import OrderedDict
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from caudal.common.logline import line

_MOST = 100
_CHARACTERS = 500


@dataclass
class _Said:
    """A line of the log, when it was logged last (seconds since 1970 UTC), and how often."""

    level: str
    line: str
    last_time: float
    times: int = 1


class RecentLog(logging.Handler):
    """Keeps the last hundred different lines of the level WARNING and above, while entered as a context manager."""

    def __init__(self, logger: str = "caudal") -> None:
        super().__init__(logging.WARNING)
        self._logger = logging.getLogger(logger)
        self._said: OrderedDict[str, _Said] = OrderedDict()

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of the log."""
        text = line(record.getMessage(), _CHARACTERS)
        said = self._said.pop(text, None)
        times = said.times + 1 if said else 1
        self._said[text] = _Said(record.levelname, text, record.created, times)
        while len(self._said) > _MOST:
            self._said.popitem(last=False)

    def lines(self) -> list[dict[str, Any]]:
        """Return the last lines of the log, the newest at the end, as values that JSON has."""
        self.acquire()
        try:
            return [asdict(said) for said in self._said.values()]
        finally:
            self.release()
