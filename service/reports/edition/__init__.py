"""Content in, an edition out: every sentence and label in one language; and the report as JSON models.

Imported by pictures, forms and SDMX: whatever shows a report.
"""
