"""Errors of the collector, beyond what it counts: a branch of the tree that `caudal.common.errors` draws."""

from caudal.common.errors import CaudalError


class CollectorError(CaudalError):
    """Anything the collector reports in one line."""


class StateError(CollectorError):
    """The state directory cannot be used, or nobody answers there."""


class SpoolError(CollectorError):
    """The spool cannot be written."""


class SpoolFull(SpoolError):
    """The spool holds as much as it may."""
