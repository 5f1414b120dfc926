"""Suspicious settings, by themselves and by the facts, whatever the machine."""

import ipaddress
import itertools
from collections import Counter
from collections.abc import Iterator

import numpy as np

from caudal.collector.aggregate.dominance import DOMINANCE_PERCENT
from caudal.collector.columns.cellcode import country_number
from caudal.collector.settings.settings import CollectorSettings
from caudal.common.vocabulary import UNKNOWN_COUNTRY
from caudal.reference import AddressTable, ReferenceDataError, load_reference

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SYNTHETIC = "synthetic"
# Prefixes shorter than these are more than any one network has.
_SHORTEST = {4: 7, 6: 16}
_DOCUMENTATION = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]
_PROBES = 64
_LEAST_GBIT_PER_SECOND = 0.1  # that the links of a router of a network operator carry together


def home(settings: CollectorSettings, table: AddressTable | None) -> Iterator[str]:
    """Yield lines about prefixes that can hardly be those of one operator in this economy."""
    networks = [ipaddress.ip_network(prefix) for prefix in settings.home]
    for network in networks:
        if network.prefixlen == 0:
            yield f"home: {network} is the default route: every address would be home, and nothing abroad"
        elif network.prefixlen < _SHORTEST[network.version]:
            yield f"home: {network} is more than one network has; list your own prefixes"
        elif network.is_loopback or network.is_multicast or network.is_link_local:
            yield f"home: {network} is no prefix that subscribers have"
        elif any(_within(network, other) for other in _DOCUMENTATION):
            yield f"home: {network} is for documentation; put your own prefixes in its place"
        elif table is not None and (elsewhere := _elsewhere(network, table, settings.economy)):
            yield (
                f"home: {network} is in {elsewhere} by the address tables, and `economy` is {settings.economy}; "
                "check both"
            )
    for one, other in itertools.permutations(networks, 2):
        if _within(one, other) and (one != other or networks.index(one) < len(networks) - 1):
            yield f"home: {one} is in {other} already"
            if one == other:
                break
    if not any(network.version == 6 for network in networks):
        yield "home: no IPv6 prefix; IPv6 traffic of your subscribers would count as transit"


def windows(settings: CollectorSettings) -> Iterator[str]:
    """Yield lines about window lengths and thresholds that nobody else has."""
    window, k = settings.window_seconds, settings.k_anonymity
    if not 60 <= window <= 900:
        yield f"window_seconds: {window} is unusual; 300 is what others use, and the shorter the more is folded"
    if settings.lateness_seconds >= window:
        yield f"lateness_seconds: {settings.lateness_seconds} is as long as a window; exporters are rarely that late"
    if settings.idle_seconds < 5:
        yield f"idle_seconds: {settings.idle_seconds:g} closes windows at every pause; they come in many parts then"
    if k == 1 and not settings.synthetic:
        yield "k_anonymity: 1 folds nothing: a cell may be one subscriber"
    elif k < 5 and not settings.synthetic:
        yield f"k_anonymity: {k} is less than the 5 that is usual"
    elif k > 20:
        yield f"k_anonymity: {k} folds much of a small network away"
    if k > 1 and settings.dominance_percent > DOMINANCE_PERCENT and not settings.synthetic:
        yield (
            f"dominance_percent: {settings.dominance_percent:g} lets a cell of {k} hosts be nearly all one subscriber's; "
            f"{DOMINANCE_PERCENT:g} is usual"
        )


def exporters(settings: CollectorSettings) -> Iterator[str]:
    """Yield lines about settings of exporters that contradict each other."""
    names = Counter(known.name for known in settings.exporters.values() if known.name)
    for name, times in names.items():
        if times > 1:
            yield f"exporters: {times} have the name {name}; their ledgers would be added up"
    allowed = [ipaddress.ip_network(prefix) for prefix in settings.allow]
    for address, known in settings.exporters.items():
        place = ipaddress.ip_network(address)
        if allowed and not any(place.version == each.version and place.overlaps(each) for each in allowed):
            yield f"exporters: {known.name or address} is not in `allow`: what it sends is filtered"
        if known.sampling is not None and known.sampling > 100_000:
            yield f"exporters: {known.name or address} samples 1 in {known.sampling:g}; is that right?"
        if known.capacity_gbit_per_second and known.capacity_gbit_per_second < _LEAST_GBIT_PER_SECOND:
            yield (
                f"exporters: the links of {known.name or address} would carry {known.capacity_gbit_per_second:g} Gbit/s "
                "together; what exceeds that is not counted"
            )
        if not known.model_fields_set:
            yield f"exporters: nothing is said of {address}; give it a name"


def identity(settings: CollectorSettings) -> Iterator[str]:
    """Yield lines about traffic that is made up for a real economy, or real for one that is made up."""
    try:
        status = load_reference(settings.reference_overlay).economy(settings.economy).status
    except ReferenceDataError as error:
        yield f"economy: {error}"
        return
    if settings.synthetic and status != _SYNTHETIC:
        yield f"synthetic: {settings.economy} is a real economy; a service refuses traffic that is made up for it"
    elif status == _SYNTHETIC and not settings.synthetic:
        yield f"synthetic: {settings.economy} is no real economy; say `synthetic = true`"


def _within(one: Network, other: Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


def _elsewhere(network: Network, table: AddressTable, economy: str) -> str:
    """Return the country where most of a prefix is by the address tables; '' if that is `economy` or unknown."""
    step = max(1, network.num_addresses // _PROBES)
    probes = [
        int(network.network_address) + at for at in range(0, min(network.num_addresses, step * _PROBES), step)
    ]
    if network.version == 4:
        segments = table.segments4(np.array(probes, np.uint32))
    else:
        low = np.array([probe & (1 << 64) - 1 for probe in probes], np.uint64)
        segments = table.segments6(np.array([probe >> 64 for probe in probes], np.uint64), low)
    number, count = Counter(table.country[segments].tolist()).most_common(1)[0]
    if number in (country_number(UNKNOWN_COUNTRY), country_number(economy)) or count * 2 <= len(probes):
        return ""
    return chr(number >> 8) + chr(number & 0xFF)
