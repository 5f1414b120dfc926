"""Facts with a source and a date, and the one loader that validates them."""

from caudal.reference.addresses import LOCATION_RUNGS, AddressTable, SegmentSearch
from caudal.reference.build import BuiltTable, build_addresses
from caudal.reference.declaration import STATUSES
from caudal.reference.economy import Economy
from caudal.reference.errors import (
    AddressError,
    FactError,
    ImportFault,
    ReferenceError,
    UnknownEconomy,
    UnknownFact,
    UnknownGroup,
    UnknownMonth,
)
from caudal.reference.files import FILES
from caudal.reference.operatorlist import OwnPrefix
from caudal.reference.ranges import RangeSource
from caudal.reference.reference import Reference, load_reference
from caudal.reference.sources import TableSource, attributions, read_sources

__all__ = [
    "FILES",
    "LOCATION_RUNGS",
    "STATUSES",
    "AddressError",
    "AddressTable",
    "BuiltTable",
    "Economy",
    "FactError",
    "ImportFault",
    "OwnPrefix",
    "RangeSource",
    "Reference",
    "ReferenceError",
    "SegmentSearch",
    "TableSource",
    "UnknownEconomy",
    "UnknownFact",
    "UnknownGroup",
    "UnknownMonth",
    "attributions",
    "build_addresses",
    "load_reference",
    "read_sources",
]
