"""The facts of a month in, everything that is said about it out: pure functions, for today and for any published month.

Imported by months, queries and reports.
"""
