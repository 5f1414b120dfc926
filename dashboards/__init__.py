"""Grafana dashboards as code: built here to JSON, published over Grafana's HTTP API."""

# From the root of a checkout, `import dashboards` would load every module a second time.
if __name__ != "caudal.dashboards":
    raise ImportError("this is caudal.dashboards: write `import caudal.dashboards`")
