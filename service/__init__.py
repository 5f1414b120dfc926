"""Runs at the regulator: ingest, store, indicators, API and reports."""
