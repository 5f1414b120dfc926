"""Replay: captured export datagrams come in, batches in the spool go out, once; beside a collector at work or without."""
