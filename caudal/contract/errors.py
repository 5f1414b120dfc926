"""Errors of batches, for whoever writes or reads one: a branch of the tree that `caudal.common.errors` draws."""

from caudal.common.errors import CaudalError


class BatchError(CaudalError, ValueError):
    """A batch that cannot be read, by the collector or by the service: the message says what is wrong and where."""
