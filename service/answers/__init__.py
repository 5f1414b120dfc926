"""What the API says, as typed models with examples. No computing, no store.

Imported by routes and reports.
"""
