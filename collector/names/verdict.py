"""Verdicts: a number of 16 bits for what a name, or the lack of one, says of a connection."""

from typing import Final

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import U16

NOTHING: Final = 0
# The low bits are the number of a service. Alone, they say that the content is the service's; with CARRIER,
# that the service carries it, whosoever it is. RESOLVED marks what was learnt from DNS.
MOST_SERVICES: Final = 1 << 10
SERVICE: Final = MOST_SERVICES - 1
RESOLVED: Final = 1 << 13
CARRIER: Final = 1 << 14
# From here on: looked at, and no service found, for these reasons.
UNLISTED: Final = 1 << 15
AMBIGUOUS: Final = UNLISTED + 1
ENCRYPTED: Final = UNLISTED + 2
UNNAMED: Final = UNLISTED + 3
TRUNCATED: Final = UNLISTED + 4
UNREADABLE: Final = UNLISTED + 5

REASONS: Final = {
    UNLISTED: "unlisted",
    AMBIGUOUS: "ambiguous",
    ENCRYPTED: "encrypted",
    UNNAMED: "unnamed",
    TRUNCATED: "truncated",
    UNREADABLE: "unreadable",
}

Mask = npt.NDArray[np.bool_]


def is_service(verdicts: U16) -> Mask:
    """Return True for each verdict that names a service, as owner or as carrier, bool (verdicts,).

    >>> is_service(np.array([NOTHING, 3, CARRIER + 3, UNLISTED], np.uint16)).tolist()
    [False, True, True, False]
    """
    service: Mask = (verdicts != NOTHING) & (verdicts < UNLISTED)
    return service


def is_content(verdicts: U16) -> Mask:
    """Return True for each verdict that names the service whose content it is, bool (verdicts,).

    >>> is_content(np.array([NOTHING, 3, CARRIER + 3, UNLISTED], np.uint16)).tolist()
    [False, True, False, False]
    """
    content: Mask = is_service(verdicts) & (verdicts & np.uint16(CARRIER) == 0)
    return content
