"""Routes about who asks: logging in, keys, and the record of what was done.

Only the API imports it.
"""
