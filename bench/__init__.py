"""Measures Caudal's speed beside peers: `python -m bench`."""
