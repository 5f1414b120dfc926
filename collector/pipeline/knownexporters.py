"""The operator's knowledge of exporters, by address or prefix, in the forms that the parts of a collector take."""

from collections.abc import Iterable, Mapping, Sequence

from caudal.collector.columns.datagrams import NO_ROOM, NOT_ALLOWED
from caudal.collector.exporters.exporterkeys import KEYS, Told
from caudal.collector.exporters.exporterprefixes import INTERFACE
from caudal.collector.exporters.pseudonym import pseudonym
from caudal.collector.locate.boundary import Boundary
from caudal.collector.settings.settings import CaptureInterface, Exporter

Known = Mapping[str, Exporter]


def names(exporters: Known) -> dict[str, str]:
    """Return the names of exporters in the ledger."""
    return {address: known.name for address, known in exporters.items() if known.name}


def outside_name(number: int, addresses: Sequence[str], given: Mapping[str, str], key: bytes) -> str:
    """Return the name of an exporter's number outside of the collector: given or a pseudonym, and never its address."""
    if number == NOT_ALLOWED:
        return "not-allowed"
    if number == NO_ROOM:
        return "all"
    return given.get(addresses[number]) or pseudonym(key, addresses[number])


def sampling_rates(exporters: Known) -> dict[str, float]:
    """Return configured sampling rates."""
    return {address: known.sampling for address, known in exporters.items() if known.sampling}


def sampling_overrides(exporters: Known) -> set[str]:
    """Return the addresses and prefixes whose configured sampling rate holds whatever the exporter says."""
    return {address for address, known in exporters.items() if known.sampling_override}


def as_from_tables(exporters: Known) -> set[str]:
    """Return the addresses and prefixes of exporters whose AS numbers are not taken, as the tables know better."""
    return {address for address, known in exporters.items() if known.as_from == "tables"}


def capacities(exporters: Known) -> dict[str, float]:
    """Return the capacity of exporters' links in Gbit/s, by address or prefix, where the settings give it."""
    return {
        address: known.capacity_gbit_per_second
        for address, known in exporters.items()
        if known.capacity_gbit_per_second
    }


def keys(exporters: Known, interfaces: Iterable[CaptureInterface]) -> Told:
    """Return the keys of cells that are told of exporters, and of interfaces that are captured from, each by its column."""
    known = {**exporters, **{INTERFACE + each.name: each for each in interfaces}}
    return {
        key: {place: str(value) for place, each in known.items() if (value := getattr(each, key))}
        for key in KEYS
    }


def boundaries(exporters: Known) -> dict[str, Boundary]:
    """Return the interfaces to the outside and the inside of those of which any are known."""
    return {
        address: Boundary(known.external, known.internal, known.metered)
        for address, known in exporters.items()
        if known.external or known.internal or known.metered
    }
