"""Caudal monitors a country's digital sovereignty from the metadata of its data flows."""

__version__ = "0.1.0"
