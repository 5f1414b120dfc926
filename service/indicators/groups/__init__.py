"""The indicators, a module for each group: data plus one pure function each.

Only the catalogue imports all of them.
"""
