"""Values of what reporting operators carry in, limits for the whole economy out: coverage, operators left out, double metering.

Imported by evaluation, and by what tells totals.
"""
