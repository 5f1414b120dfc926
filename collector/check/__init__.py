"""Settings and a machine in, what looks wrong out, before anything is received.

Imported by `collect --check` and by the start of the daemon.
"""
