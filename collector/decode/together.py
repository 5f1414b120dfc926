"""Data sets that can be decoded together: of which templates they are, whence they come, their records joined."""

from dataclasses import dataclass

import numpy as np

from caudal.collector.decode.origin import ObservationPoint
from caudal.collector.decode.recordlayout import Layout
from caudal.collector.decode.sets import Sets
from caudal.collector.decode.template import TemplateKey
from caudal.collector.decode.templatetable import KnownTemplate
from caudal.collector.decode.wire import join
from caudal.collector.flowrecords import I32, I64, U8


@dataclass(frozen=True)
class NamedTemplates:
    """The templates that data sets name: each one once, and which of them each set names."""

    keys: list[TemplateKey]
    templates: list[KnownTemplate | None]
    of: I64


def observation_points(
    exporter: I32, domain: I64, protocol: int
) -> tuple[tuple[ObservationPoint, ...], I64 | None]:
    """Return where sets come from, and which of these places each of them does (None: there is one only)."""
    code = exporter.astype(np.int64) << 32 | domain
    if (code == code[0]).all():
        distinct, of = code[:1], None
    else:
        distinct, of = np.unique(code, return_inverse=True)
    return tuple(ObservationPoint(one >> 32, protocol, one & 0xFFFF_FFFF) for one in distinct.tolist()), of


def join_records(buffer: U8, layout: Layout, sets: Sets) -> tuple[bytes, I64, I64]:
    """Join the records of sets of one layout.

    Returns the octets, the number of records of each set, and the positions of broken sets.
    """
    if layout.template.variable:
        octets, records, whole = layout.cut_variable(buffer, sets.at, sets.length)
        return octets.tobytes(), records, np.flatnonzero(whole == 0)
    records = sets.length // layout.size
    broken = np.flatnonzero((records == 0) & (sets.length > 0))
    return join(buffer, sets.at, records * layout.size), records, broken
