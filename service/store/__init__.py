"""ClickHouse behind one DSN: an embedded engine or a server; and the versions of the reference kept in it.

Imported by every room that keeps or asks something; ClickHouse is spoken to here, in `migration`, `ingest` and `queries` only.
"""
