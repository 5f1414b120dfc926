"""Errors of the collector, beyond what it counts.

CollectorError
├── SettingsError   the settings cannot be used: file, key, what to do
├── ListenError     an address to listen on cannot be used
├── StateError      the state directory cannot be used, or no collector runs on it
└── SpoolError      the spool cannot be written
    └── SpoolFull   … because it holds as much as it may

Every message is one line that says what is wrong, where, and what to do.
"""


class CollectorError(Exception):
    """Anything the collector reports in one line."""


class SettingsError(CollectorError):
    """The settings cannot be used."""


class ListenError(CollectorError):
    """An address to listen on cannot be used."""


class StateError(CollectorError):
    """The state directory cannot be used, or nobody answers there."""


class SpoolError(CollectorError):
    """The spool cannot be written."""


class SpoolFull(SpoolError):
    """The spool holds as much as it may."""
