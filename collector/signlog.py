"""The log's lines about exporters that somebody should look after: each sign once, not each minute."""

import logging
from collections.abc import Iterable

from caudal.collector.signs import Sign

log = logging.getLogger(__name__)

_MOST = 4096  # exporters and kinds; beyond that nothing more is logged, as status and metrics show all


class SignLog:
    """Remembers what was logged."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def note(self, signs: Iterable[Sign]) -> None:
        """Log the signs that need attention and were not logged yet."""
        for sign in signs:
            name = (sign.exporter, sign.kind)
            if sign.needs_attention and name not in self._logged and len(self._logged) < _MOST:
                self._logged.add(name)
                log.warning("%s: %s", sign.exporter, sign.sentence)
