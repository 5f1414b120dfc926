"""ClickHouse behind one DSN: an embedded engine or a server; and the versions of the reference kept in it."""
