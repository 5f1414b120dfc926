"""Reading a FlatBuffers table whose octets nobody vouches for: fields by number, nothing outside of the octets."""

import struct
from dataclasses import dataclass
from typing import Self

from caudal.common.errors import Unreadable


class FlatBufferError(Unreadable):
    """The octets are no such table."""


@dataclass(frozen=True)
class FlatTable:
    """A table inside of octets, at a position; fields are numbered as the schema lists them, from 0.

    Every position is checked against the octets, and nothing is copied but the numbers asked for.
    """

    octets: memoryview
    at: int

    @classmethod
    def root(cls, octets: memoryview) -> Self:
        """Return the table that a buffer begins with."""
        return cls(octets, _read(octets, "<I", 0))

    def number(self, field: int, form: str, otherwise: int = 0) -> int:
        """Return a number of this form (of `struct`); `otherwise` where the field is left out."""
        at = self._place(field)
        return _read(self.octets, form, at) if at else otherwise

    def has(self, field: int) -> bool:
        """Return True if the table has the field."""
        return self._place(field) != 0

    def table(self, field: int) -> Self:
        """Return the table that a field holds."""
        at = self._place(field)
        if not at:
            raise FlatBufferError(f"field {field} is missing")
        return type(self)(self.octets, at + _read(self.octets, "<I", at))

    def pairs(self, field: int, most: int) -> list[tuple[int, int]]:
        """Return a vector of structs of two 64-bit numbers each; raise where it has more than `most`."""
        at = self._place(field)
        if not at:
            return []
        at += _read(self.octets, "<I", at)
        count = _read(self.octets, "<I", at)
        if count > most:
            raise FlatBufferError(f"field {field} has {count} members; at most {most} are possible")
        if at + 4 + 16 * count > len(self.octets):
            raise FlatBufferError(f"field {field} goes beyond the end")
        return list(struct.iter_unpack("<qq", self.octets[at + 4 : at + 4 + 16 * count]))

    def _place(self, field: int) -> int:
        """Return the offset of a field in the buffer; 0 where the field is left out."""
        fields = self.at - _read(self.octets, "<i", self.at)
        entry = 4 + 2 * field
        if entry + 2 > _read(self.octets, "<H", fields):
            return 0
        offset = _read(self.octets, "<H", fields + entry)
        return self.at + offset if offset else 0


def _read(octets: memoryview, form: str, at: int) -> int:
    if not 0 <= at <= len(octets) - struct.calcsize(form):
        raise FlatBufferError(f"position {at} is outside of its {len(octets)} octets")
    return int(struct.unpack_from(form, octets, at)[0])
