"""Admission: in comes a batch that reads well, out goes whether it is stored, held for review or refused.

`admit` refuses what cannot be true of any network; `review` holds what is possible and more than this operator
carries, as it says; `QuotaBook` says when a collector has sent enough for now.
"""

from caudal.service.admission.admit import admit
from caudal.service.admission.capacity import review
from caudal.service.admission.quotas import QuotaBook

__all__ = ["QuotaBook", "admit", "review"]
