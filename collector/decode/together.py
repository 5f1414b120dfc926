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


def distinct_layouts(known: NamedTemplates, group: list[int]) -> tuple[list[Layout], I64]:
    """Return the distinct layouts of templates, and by template which of them it has (-1: not of the group)."""
    number: dict[int, int] = {}
    layouts: list[Layout] = []
    of = np.full(len(known.keys), -1)
    for which in group:
        template = known.templates[which]
        assert template is not None
        at = number.setdefault(id(template.layout), len(number))
        if at == len(layouts):
            layouts.append(template.layout)
        of[which] = at
    return layouts, of


def join_records(
    buffer: U8, layouts: list[Layout], layout_of: I64, sets: Sets
) -> tuple[Layout, bytes, I64, I64]:
    """Join the records of sets.

    Returns their layout, the octets, the number of records of each set, and the positions of broken sets.
    """
    layout = layouts[0]
    if layout.template.variable:
        cut = [
            layout.cut_variable(bytes(buffer.data[at : at + length]))
            for at, length in zip(sets.at.tolist(), sets.length.tolist(), strict=True)
        ]
        body = b"".join(kept for kept, _, _ in cut)
        records = np.array([number for _, number, _ in cut])
        return layout, body, records, np.flatnonzero([not whole for _, _, whole in cut])
    size = np.array([layout.size for layout in layouts])[layout_of]
    records = sets.length // size
    broken = np.flatnonzero((records == 0) & (sets.length > 0))
    if len(layouts) == 1:
        return layout, join(buffer, sets.at, records * size), records, broken
    of_set = np.repeat(np.arange(len(sets)), records)
    begin = np.cumsum(records) - records
    at = sets.at[of_set] + (np.arange(len(of_set)) - begin[of_set]) * size[of_set]
    order = np.stack([layout.canonical_order for layout in layouts])
    octets = buffer[at[:, None] + order[layout_of[of_set]]]
    return Layout(layout.canonical), octets.tobytes(), records, broken
