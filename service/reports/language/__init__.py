"""Languages of a report: its words, and how it writes numbers, dates and months."""

from caudal.service.languages import LANGUAGES
from caudal.service.reports.language.language import FigureText, Language

__all__ = ["LANGUAGES", "FigureText", "Language"]
