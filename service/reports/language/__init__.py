"""Languages of a report: its words, and how it writes numbers, dates and months."""

from caudal.service.reports.language.language import LANGUAGES, FigureText, Language

__all__ = ["LANGUAGES", "FigureText", "Language"]
