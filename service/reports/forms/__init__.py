"""The forms of a report: each renders the same edition, and takes no figure from anywhere else."""

from caudal.service.reports.forms.form import FORMS, Form

__all__ = ["FORMS", "Form"]
