"""Clocks and sums in, closed windows out, cut to the size of a batch.

Imported by the backlog, the daemon and the replay.
"""
