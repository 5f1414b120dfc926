"""Facts with a source and a date, and the one loader that validates them.

What is named here is imported when it is first asked for: whoever needs one fact needs no address tables.
"""

# From the root of a checkout, `import reference` would load every module a second time.
if __name__ != "caudal.reference":
    raise ImportError("this is caudal.reference: write `import caudal.reference`")

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caudal.reference.addresses.addresses import AddressTable, SegmentSearch
    from caudal.reference.addresses.build import BuiltTable, build_addresses
    from caudal.reference.addresses.operatorlist import OwnPrefix
    from caudal.reference.addresses.ranges import RangeSource
    from caudal.reference.addresses.sources import TableSource, attributions, read_sources
    from caudal.reference.economy import Economy
    from caudal.reference.files.catalogue import FILES
    from caudal.reference.files.declaration import STATUSES
    from caudal.reference.files.errors import (
        AddressError,
        FactError,
        ImportFault,
        ReferenceDataError,
        UnknownEconomy,
        UnknownFact,
        UnknownGroup,
        UnknownMonth,
    )
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
    "ReferenceDataError",
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

_DEFINED_IN = {
    "AddressError": "caudal.reference.files.errors",
    "AddressTable": "caudal.reference.addresses.addresses",
    "BuiltTable": "caudal.reference.addresses.build",
    "Economy": "caudal.reference.economy",
    "FILES": "caudal.reference.files.catalogue",
    "FactError": "caudal.reference.files.errors",
    "ImportFault": "caudal.reference.files.errors",
    "LOCATION_RUNGS": "caudal.reference.addresses.addresses",
    "OwnPrefix": "caudal.reference.addresses.operatorlist",
    "RangeSource": "caudal.reference.addresses.ranges",
    "Reference": "caudal.reference.reference",
    "ReferenceDataError": "caudal.reference.files.errors",
    "STATUSES": "caudal.reference.files.declaration",
    "SegmentSearch": "caudal.reference.addresses.addresses",
    "TableSource": "caudal.reference.addresses.sources",
    "UnknownEconomy": "caudal.reference.files.errors",
    "UnknownFact": "caudal.reference.files.errors",
    "UnknownGroup": "caudal.reference.files.errors",
    "UnknownMonth": "caudal.reference.files.errors",
    "attributions": "caudal.reference.addresses.sources",
    "build_addresses": "caudal.reference.addresses.build",
    "load_reference": "caudal.reference.reference",
    "read_sources": "caudal.reference.addresses.sources",
}


def __getattr__(name: str) -> Any:
    """Return an object named here, from the module that defines it."""
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_DEFINED_IN[name]), name)
