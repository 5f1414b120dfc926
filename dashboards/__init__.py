"""Grafana dashboards as code, and publishing them."""
