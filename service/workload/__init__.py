"""Bounds on work, at once, in time and by whom: limits of queries, turns for heavy work, cancellation, answers kept.

Knows nothing of what is computed.

Imported by the store, the door and what computes for long.
"""
