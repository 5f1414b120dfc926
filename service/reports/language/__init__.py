"""Languages of a report: its words, and how it writes numbers, dates and months."""

from caudal.service.reports.language.language import FigureText, Language
from caudal.service.vocabulary.languages import LANGUAGES

__all__ = ["LANGUAGES", "FigureText", "Language"]
