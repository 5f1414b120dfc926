"""Templates of NetFlow v9 and IPFIX: reading, checking and keeping them."""

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from caudal.collector.decode.template import elements
from caudal.collector.decode.template.origin import ObservationPoint
from caudal.common.errors import Unreadable

VARIABLE_LENGTH = 0xFFFF
NOT_READ = -1
# Scopes of v9 are numbered by a list of their own: 1 system, 2 interface, 3 line card, 4 cache, 5 template. Source:
# RFC 3954 §6.1.
_SCOPES9 = {
    2: elements.INGRESS_INTERFACE,
    3: elements.LINE_CARD_ID,
    4: elements.CACHE_SCOPE,
    5: elements.TEMPLATE_ID,
}
# More than any exporter sends; what a datagram makes us keep must stay small.
_MOST_FIELDS = 1024


class FieldSpecifier(NamedTuple):
    """One field of a template: an element (NOT_READ where none of `elements`) and its length in octets."""

    element: int
    length: int


class TemplateKey(NamedTuple):
    """The scope of a template: exporter number, protocol, observation domain, process and template id.

    The UDP source port is no part of it, as exporters send templates and data from different ports, unless several
    processes are known to send from the exporter's address (see Processes).
    """

    exporter: int
    protocol: int
    observation_domain: int
    process: int
    template: int

    @property
    def point(self) -> ObservationPoint:
        """The observation point at which the template holds."""
        return ObservationPoint(*self[:4])


@dataclass(frozen=True)
class Template:
    """A template as announced; `is_options` marks an options template."""

    fields: tuple[FieldSpecifier, ...]
    is_options: bool

    @cached_property
    def variable(self) -> bool:
        """True if records of the template differ in length."""
        return any(field.length == VARIABLE_LENGTH for field in self.fields)

    @cached_property
    def minimum_length(self) -> int:
        """The least octets a record of this template can have."""
        return sum(1 if field.length == VARIABLE_LENGTH else field.length for field in self.fields)


@dataclass(frozen=True)
class Withdrawal:
    """An IPFIX template withdrawal; template 2 or 3 stands for all (options) templates of the domain."""

    template: int


class TemplateSetError(Unreadable):
    """A template set that cannot be read to its end; `read` holds what stood before the fault."""

    def __init__(self, message: str, read: list[tuple[int, Template | Withdrawal]]) -> None:
        super().__init__(message)
        self.read = read


def read_templates(body: bytes, *, ipfix: bool, options: bool) -> list[tuple[int, Template | Withdrawal]]:
    """Read the body of a template set (after its 4-octet header) into (template id, template) pairs.

    Raises TemplateSetError at the first fault. Source: RFC 3954 §5.2, §6.1; RFC 7011 §3.4, §8.1.
    """
    read: list[tuple[int, Template | Withdrawal]] = []
    at = 0
    while at + 4 <= len(body):
        template, count = struct.unpack_from(">HH", body, at)
        at += 4
        if template == 0 and count == 0:
            break  # padding
        if ipfix and count == 0:
            read.append((template, Withdrawal(template)))
            continue
        if template < 256:
            raise TemplateSetError(f"template id {template} is reserved", read)
        scopes = 0
        if options:
            if at + 2 > len(body):
                raise TemplateSetError(f"options template {template} ends early", read)
            (third,) = struct.unpack_from(">H", body, at)
            at += 2
            if ipfix:
                scopes = third
            else:  # NetFlow v9 gives octets of scope fields, then octets of option fields
                scopes, count = count // 4, (count + third) // 4
            if scopes > count or (ipfix and scopes == 0):
                raise TemplateSetError(
                    f"options template {template} has {scopes} scope fields of {count}", read
                )
        if not 0 < count <= _MOST_FIELDS:
            raise TemplateSetError(f"template {template} has {count} fields", read)
        fields = []
        for position in range(count):
            begin = at
            field, at = _read_field(body, at, ipfix)
            if field is None:
                raise TemplateSetError(f"template {template} ends within its {count} fields", read)
            if position < scopes and not ipfix:
                (scope,) = struct.unpack_from(">H", body, begin)
                field = FieldSpecifier(_SCOPES9.get(scope, NOT_READ), field.length)
            fields.append(field)
        known = Template(tuple(fields), options)
        if known.minimum_length == 0:
            raise TemplateSetError(f"template {template} describes records of no length", read)
        read.append((template, known))
    return read


def _read_field(body: bytes, at: int, ipfix: bool) -> tuple[FieldSpecifier | None, int]:
    if at + 4 > len(body):
        return None, at
    element, length = struct.unpack_from(">HH", body, at)
    at += 4
    if ipfix and element & 0x8000:
        if at + 4 > len(body):
            return None, at
        (enterprise,) = struct.unpack_from(">I", body, at)
        at += 4
        element = (
            element & 0x7FFF | elements.REVERSE if enterprise == elements.REVERSE_ENTERPRISE else NOT_READ
        )
    return FieldSpecifier(element if element in elements.READ else NOT_READ, length), at
