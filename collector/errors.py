"""What can go wrong in the collector, beyond what it counts.

CollectorError
├── SettingsError   the settings cannot be used: file, key, what to do
├── ListenError     an address to listen on cannot be used
└── SpoolError      the spool cannot be written

Every message is one line that says what is wrong, where, and what to do.
"""


class CollectorError(Exception):
    """Anything the collector reports in one line."""


class SettingsError(CollectorError):
    """The settings cannot be used."""


class ListenError(CollectorError):
    """An address to listen on cannot be used."""


class SpoolError(CollectorError):
    """The spool cannot be written."""
