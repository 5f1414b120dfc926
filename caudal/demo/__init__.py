"""The demonstration: a synthetic operator of a synthetic economy that exports real datagrams."""
