"""Outlines of countries, shipped with the package: nothing is fetched when a map is drawn."""
