"""Ids and codes that are stored and published: months, dimensions of observations, reasons for no value.

The ground of the service, beside its errors.
"""
