"""A store in, months out: computed, published as vintages, computed again, exported.

Imported by requests, routes and reports.
"""
