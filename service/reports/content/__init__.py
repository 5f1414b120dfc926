"""Content: in come the measures and counts of a month, and what was published; out goes a `Content`, in no language.

`change` compares observations, `destinations` sums cells, `peers` and `history` read what was published of the headlines.
"""

from caudal.service.reports.content.content import (
    Content,
    Entry,
    Facts,
    Group,
    Provenance,
    Reading,
    Remark,
    build_content,
)

__all__ = ["Content", "Entry", "Facts", "Group", "Provenance", "Reading", "Remark", "build_content"]
