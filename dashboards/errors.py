"""Errors of dashboards: a branch of the tree that `caudal.common.errors` draws."""

from caudal.common.errors import CaudalError


class DashboardError(CaudalError):
    """Anything this package raises on purpose; the message is one line that says what to do."""


class PublishError(DashboardError):
    """Grafana could not be reached, refused, or answered something unexpected."""
