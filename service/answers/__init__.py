"""Answers of the API, as typed models with examples. No computing, no store.

Imported by routes and reports.
"""
