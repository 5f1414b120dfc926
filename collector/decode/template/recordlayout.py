"""A template compiled to a layout: where each element lies in a record, and how to read it as a column."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from caudal.collector.columns.flowrecords import I64, U8, U64
from caudal.collector.decode.template import elements
from caudal.collector.decode.template.elements import (
    DESTINATION_IPV4,
    DESTINATION_IPV6,
    SOURCE_IPV4,
    SOURCE_IPV6,
)
from caudal.collector.decode.template.readingplan import FRAME_OCTETS, IP_OCTETS, Plan, reading_plan
from caudal.collector.decode.template.telling import Telling, telling
from caudal.collector.decode.template.template import NOT_READ, VARIABLE_LENGTH, FieldSpecifier, Template
from caudal.collector.decode.template.variable import (
    NOTHING,
    OCTETS,
    PLACE,
    VARIABLE_AS,
    Fields,
    cut_to_fields,
)

Records = npt.NDArray[Any]

_FIXED = {1: "u1", 2: ">u2", 4: ">u4", 8: ">u8"}
_ADDRESS_OCTETS = {SOURCE_IPV4: 4, DESTINATION_IPV4: 4, SOURCE_IPV6: 16, DESTINATION_IPV6: 16}


@dataclass(frozen=True)
class Layout:
    """The layout of the records of one template: offset and octets of each field that is read.

    `lengths` are the octets of each field as read: of variable-length templates only the elements that we
    read are kept (see `cut_variable`), so that every record of a layout has `size` octets.
    """

    template: Template

    @cached_property
    def kept(self) -> tuple[tuple[int, int], ...]:
        """(element, octets) of each field in the record as read, in order."""
        if not self.template.variable:
            return tuple(self.template.fields)
        return tuple(
            (field.element, VARIABLE_AS if _by_place_or_varies(field) else field.length)
            for field in self.template.fields
            if field.element != NOT_READ
        )

    @cached_property
    def size(self) -> int:
        """Octets of a record as read."""
        return sum(octets for _, octets in self.kept)

    @cached_property
    def places(self) -> dict[int, tuple[int, int]]:
        """By element its place in a record as read, and its octets; of doubled elements the first counts."""
        found: dict[int, tuple[int, int]] = {}
        at = 0
        for element, octets in self.kept:
            if _readable(element, octets):
                found.setdefault(element, (at, octets))
            at += octets
        return found

    @cached_property
    def sections(self) -> dict[int, tuple[int, int]]:
        """By element of SECTIONS its place in a record as read, and its octets: of doubled elements the first counts.

        Records of variable length have the place of the octets instead of them, and how many they are (see `cut_to_fields`).
        """
        found: dict[int, tuple[int, int]] = {}
        at = 0
        for element, octets in self.kept:
            if element in elements.SECTIONS:
                found.setdefault(element, (at, octets))
            at += octets
        return found

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The structured type of a record: fields are named `e<element>`, those with the place of a section `p<element>`."""
        fields = {f"e{element}": place for element, place in self.places.items()}
        if self.template.variable:
            fields |= {f"p{element}": place for element, place in self.sections.items()}
        return np.dtype(
            {
                "names": list(fields),
                "formats": [_FIXED.get(octets, f"({octets},)u1") for _, octets in fields.values()],
                "offsets": [at for at, _ in fields.values()],
                "itemsize": self.size,
            }
        )

    @cached_property
    def elements(self) -> frozenset[int]:
        """The elements that a record of this layout has."""
        return frozenset(self.places)

    @cached_property
    def counts_frames(self) -> bool:
        """True if records count octets of frames (layer 2) and none of IP."""
        return not self.elements & IP_OCTETS and bool(self.elements & FRAME_OCTETS)

    @cached_property
    def plan(self) -> Plan | None:
        """The plan by which the kernel reads records of this layout, int64 (ROWS, 2); None where it cannot."""
        by_itself = self.template.is_options or self.template.variable or self.sections or self.telling
        return None if by_itself else reading_plan(self.places, self.size)

    @cached_property
    def telling(self) -> Telling | None:
        """The elements by which records tell totals again; None if every record tells new traffic only."""
        return None if self.template.is_options else telling(self.places)

    def first(self, preferred: Sequence[int]) -> int | None:
        """Return the first of `preferred` that records have, or None."""
        return next((element for element in preferred if element in self.elements), None)

    def records(self, body: bytes | U8, count: int) -> Records:
        """View the octets of `count` whole records as an array of them."""
        if not self.dtype.names:
            return np.empty(count, [("nothing", "u1")])
        return np.frombuffer(body, self.dtype, count)

    @cached_property
    def _fields(self) -> Fields:
        # Fields of no length cost time in every record and say nothing.
        rows = [
            (-1 if octets == VARIABLE_LENGTH else octets, _kept_of(element))
            for element, octets in self.template.fields
            if octets or element in elements.SECTIONS
        ]
        return np.array(rows, np.int64)

    def cut_variable(self, buffer: U8, at: I64, length: I64) -> tuple[U8, I64, I64]:
        """Cut sets of variable-length records down to the elements that are read; see `cut_to_fields`."""
        return cut_to_fields(buffer, at, length, self._fields, self.size, self.template.minimum_length)


def _by_place_or_varies(field: FieldSpecifier) -> bool:
    return field.length == VARIABLE_LENGTH or field.element in elements.SECTIONS


def _kept_of(element: int) -> int:
    if element in elements.SECTIONS:
        return PLACE
    return NOTHING if element == NOT_READ else OCTETS


def _readable(element: int, octets: int) -> bool:
    if element in _ADDRESS_OCTETS:
        return octets == _ADDRESS_OCTETS[element]
    return element != NOT_READ and element not in elements.SECTIONS and 1 <= octets <= 8


def unsigned(records: Records, element: int) -> U64:
    """Return an element as unsigned numbers, whatever its length (reduced-size encoding, RFC 7011 §6.2)."""
    column = records[f"e{element}"]
    if column.ndim == 1:
        return column.astype(np.uint64)
    value = np.zeros(len(column), np.uint64)
    for octet in range(max(0, column.shape[1] - 8), column.shape[1]):
        value = (value << np.uint64(8)) | column[:, octet]
    return value


def number(records: Records, element: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an element as unsigned numbers of a type that may be narrower than 64 bits."""
    column = records[f"e{element}"]
    return column.astype(dtype) if column.ndim == 1 else unsigned(records, element).astype(dtype)


def halves(records: Records, element: int) -> tuple[U64, U64]:
    """Return a 16-octet element as its two big-endian halves."""
    octets = np.ascontiguousarray(records[f"e{element}"]).view(">u8")
    return octets[:, 0].astype(np.uint64), octets[:, 1].astype(np.uint64)
