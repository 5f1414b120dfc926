"""A store of any earlier version in, one of this version out: `versions/*.sql`, and what had to be rewritten by code.

Imported by the API when it starts, and by commands with a store of their own.
"""
