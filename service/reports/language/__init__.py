"""What a report says in a language: its words, and how it writes numbers, dates and months."""

from caudal.service.reports.language.language import LANGUAGES, FigureText, Language

__all__ = ["LANGUAGES", "FigureText", "Language"]
