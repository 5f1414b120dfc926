"""Facts with a source and a date, and the one loader that validates them."""

# From the root of a checkout, `import reference` would load every module a second time.
if __name__ != "caudal.reference":
    raise ImportError("this is caudal.reference: write `import caudal.reference`")

from caudal.reference.addresses.addresses import AddressTable, SegmentSearch
from caudal.reference.addresses.build import BuiltTable, build_addresses
from caudal.reference.addresses.operatorlist import OwnPrefix
from caudal.reference.addresses.ranges import RangeSource
from caudal.reference.addresses.sources import TableSource, attributions, read_sources
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
from caudal.reference.files.catalogue import FILES
from caudal.reference.files.declaration import STATUSES
from caudal.reference.reference import Reference, load_reference

__all__ = [
    "FILES",
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
