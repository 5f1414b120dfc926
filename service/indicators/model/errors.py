"""Errors of indicators: a branch of the tree that `caudal.common.errors` draws."""

from caudal.service.errors import ServiceError


class IndicatorError(ServiceError):
    """An indicator cannot be computed at all; the message says what is wrong, where, and what to do."""


class CellsError(IndicatorError):
    """A frame of flow cells lacks a column, or holds one that cannot be read as declared."""


class SuppliedError(IndicatorError):
    """A file of paths or routes that a deployment supplies cannot be read; the message names file and place."""


class DefinitionError(IndicatorError):
    """An indicator answers something that its definition does not declare, or two share an id."""
