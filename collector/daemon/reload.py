"""Reading settings again while the collector works: in a thread beside it, as tables take seconds to build."""

import threading
from collections.abc import Callable

from caudal.collector.settings.settings import CollectorSettings
from caudal.common.errors import CaudalError, SettingsError
from caudal.reference import AddressTable

Prepared = tuple[CollectorSettings, AddressTable]
Prepare = Callable[[], Prepared]

# What a running collector takes anew. Everything else would mean other windows, other cells or another sender.
RELOADABLE = frozenset(
    {
        "home",
        "allow",
        "listen",
        "receive_buffer_bytes",
        "exporters",
        "locations",
        "geofeeds",
        "asn_tables",
        "second_country_table",
        "reference_overlay",
        "service",
        "metrics_listen",
        "lateness_seconds",
        "idle_seconds",
        "drain_seconds",
        "spool_max_bytes",
    }
)


class Reload:
    """Reads settings again when asked, once for however often it was asked meanwhile."""

    def __init__(self, prepare: Prepare | None) -> None:
        self._prepare = prepare
        self._asked = 0
        self._begun = 0
        self._thread: threading.Thread | None = None
        self._found: Prepared | CaudalError | None = None

    def ask(self) -> None:
        """Ask for the settings to be read again; may be called by a handler of signals."""
        self._asked += 1

    def begin(self) -> bool:
        """Begin to read them if somebody asked and nothing is being read; return whether it began."""
        if self._prepare is None or self._thread is not None or self._begun == self._asked:
            return False
        self._begun = self._asked
        self._thread = threading.Thread(target=self._read, args=(self._prepare,), name="reload", daemon=True)
        self._thread.start()
        return True

    def found(self) -> Prepared | CaudalError | None:
        """Return the settings read, or the error that makes them useless, once; None while there is nothing."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread = None
        found, self._found = self._found, None
        return found

    def _read(self, prepare: Prepare) -> None:
        self._found = SettingsError("reading them failed in a way that nobody foresaw; the log says where")
        try:
            self._found = prepare()
        except CaudalError as error:
            self._found = error


def require_reloadable(old: CollectorSettings, new: CollectorSettings) -> None:
    """Return if a running collector may go on with `new`; raise SettingsError if only another one could."""
    fixed = [
        name
        for name in CollectorSettings.model_fields
        if name not in RELOADABLE and getattr(new, name) != getattr(old, name)
    ]
    if fixed:
        raise SettingsError(f"{', '.join(fixed)} cannot change while the collector runs; restart it")
