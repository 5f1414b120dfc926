"""Replay: captured export datagrams come in, batches in the spool go out, once; beside a collector at work or without.

Imported by `collect replay`, and by the daemon for what a replay left on its way.
"""
