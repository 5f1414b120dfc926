"""The SQL of the dashboard, over the store's views and tables, one module per subject.

Volumes by direction read hours, the other series and the tables days, concentration and trends months:
the coarsest roll-up that answers, on the whole hours, days or months that the time range touches.
"""
