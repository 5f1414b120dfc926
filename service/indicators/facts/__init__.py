"""Published figures and laws, read for the indicators: revenue, rates of exchange, levies, treaties, routes.

Imported by groups.
"""
