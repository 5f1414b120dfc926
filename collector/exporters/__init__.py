"""Exporters: allowed prefixes, pseudonyms, clocks, links, and the ledger of what became of every record of each.

Imported by everything that counts by exporter.
"""
