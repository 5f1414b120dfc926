"""Errors of the dashboards.

DashboardError
├── BuildError      the dashboard's JSON could not be written
└── PublishError    Grafana could not be reached, or refused
"""


class DashboardError(Exception):
    """Anything this package raises on purpose; the message is one line that says what to do."""


class BuildError(DashboardError):
    """The dashboard's JSON could not be written."""


class PublishError(DashboardError):
    """Grafana could not be reached, refused, or answered something unexpected."""
