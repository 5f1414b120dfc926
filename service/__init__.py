"""Runs at the regulator: ingest, store, indicators, API and reports."""

# From the root of a checkout, `import service` would load every module a second time.
if __name__ != "caudal.service":
    raise ImportError("this is caudal.service: write `import caudal.service`")
