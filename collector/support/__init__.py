"""A running collector in, a file for those who help out: no address, no name, no secret.

Imported by `collect support`.
"""
