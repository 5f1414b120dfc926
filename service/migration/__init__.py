"""A store of any earlier version in, one of this version out: `versions/*.sql`, and what had to be rewritten by code."""
