"""Grafana dashboards as code: built here to JSON, published over Grafana's HTTP API."""
