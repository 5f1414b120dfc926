"""Grafana dashboards as code: built here to JSON, published over Grafana's HTTP API."""

from caudal.dashboards.errors import BuildError, DashboardError, PublishError
from caudal.dashboards.sovereignty import build, dashboard_json

__all__ = ["BuildError", "DashboardError", "PublishError", "build", "dashboard_json"]
