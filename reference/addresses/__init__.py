"""Address tables: ranges, prefixes, routes and geofeeds in, one table of steps out that answers for every address.

Imported by the reference, and through it by the collector.
"""
