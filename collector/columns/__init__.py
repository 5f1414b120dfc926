"""Columns and the compiled loops over them: flow records, lots of datagrams, big-endian numbers at many places of a buffer.

The ground of the collector: every room may import it, and it imports none.
"""
