"""Findings: in come readings and names, out go sentences that stand by themselves, news, comparisons and quotes.

`relevance` says which value is told, `telling` when, `sentences` how.
"""

from caudal.service.reports.findings.finding import Finding, Quote
from caudal.service.reports.findings.findings import Findings
from caudal.service.reports.findings.line import Line

__all__ = ["Finding", "Findings", "Line", "Quote"]
