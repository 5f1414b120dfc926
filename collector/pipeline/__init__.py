"""Settings in, a pipeline out; then datagrams in, sums out: decoding, locating and aggregating put together once.

Imported by the daemon, by replay and by what reads files, so that all count alike.
"""
