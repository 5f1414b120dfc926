"""Estimates from counts that are sampled, located wrongly or drawn: accuracy, location scenarios, payload, Monte Carlo.

Imported by facts and groups.
"""
