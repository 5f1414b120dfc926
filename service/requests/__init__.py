"""Parameters that several routes take from a request in the same way: times, filters, preferences, how much somebody sees.

Imported by routes and the API.
"""
