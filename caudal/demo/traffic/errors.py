"""Errors of the demonstration: a branch of the tree that `caudal.common.errors` draws."""

from caudal.common.errors import CaudalError


class DemoError(CaudalError):
    """The demo cannot go on: the message says why and what to do."""
