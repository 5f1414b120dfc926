"""The monthly report: one content, rendered in several formats and three languages."""
