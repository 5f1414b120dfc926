"""Settings as others may see them: which are set, without addresses, names, paths and secrets."""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from caudal.collector.settings.settings import CollectorSettings, Exporter

# Numbers, switches and words from closed sets: these say nothing of whose collector it is.
_PLAIN: Final = (
    "economy",
    "capacity_gbit_per_second",
    "template_wait_seconds",
    "window_seconds",
    "lateness_seconds",
    "idle_seconds",
    "k_anonymity",
    "receive_buffer_bytes",
    "drain_seconds",
    "spool_max_bytes",
    "tunnels",
    "active_timeout_seconds",
    "idle_timeout_seconds",
    "names",
    "names_per_second",
    "synthetic",
    "log_level",
    "log_format",
)
# Of these only whether they are set, and how many there are.
_ONLY_WHETHER: Final = ("locations", "second_country_table", "reference_overlay")
_ONLY_HOW_MANY: Final = ("geofeeds", "asn_tables")


def settings_told(settings: CollectorSettings, pseudonym: Callable[[str], str]) -> dict[str, Any]:
    """Return settings as values that JSON has; exporters by `pseudonym` of their address.

    A setting that this function does not know by name is told as set or not set: what is new is not told by mistake.
    """
    told: dict[str, Any] = {name: getattr(settings, name) for name in _PLAIN}
    told |= {name: getattr(settings, name) is not None for name in _ONLY_WHETHER}
    told |= {name: len(getattr(settings, name)) for name in _ONLY_HOW_MANY}
    told |= {"home": _lengths(settings.home), "allow": _lengths(settings.allow)}
    told["listen"] = [_endpoint(each) for each in settings.listen]
    told["metrics_listen"] = _endpoint(settings.metrics_listen) if settings.metrics_listen else None
    told["service"] = _service(settings)
    told["exporters"] = [
        _exporter(address, known, pseudonym) for address, known in settings.exporters.items()
    ]
    told["interfaces"] = [
        {
            "filter": bool(each.filter),
            "promiscuous": each.promiscuous,
            "snap_length": each.snap_length,
            "buffer_bytes": each.buffer_bytes,
            "own_traffic": each.own_traffic,
        }
        for each in settings.interfaces
    ]
    for name in CollectorSettings.model_fields:
        told.setdefault(name, {"set": name in settings.model_fields_set})
    return told


def _lengths(prefixes: Iterable[str]) -> dict[str, int]:
    """Return the number of prefixes by version and length: `{"IPv4 /16": 2}`."""
    networks = map(ipaddress.ip_network, prefixes)
    return dict(Counter(f"IPv{each.version} /{each.prefixlen}" for each in networks))


def _endpoint(text: str) -> str:
    """Return the kind of address that is listened on, and the port: `any IPv4, port 2055`."""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return f"a name, port {port}"
    kind = "any" if address.is_unspecified else "loopback" if address.is_loopback else "one"
    return f"{kind} IPv{address.version}, port {port}"


def _service(settings: CollectorSettings) -> dict[str, Any]:
    service, url = settings.service, urlsplit(settings.service.url)
    return {
        "scheme": url.scheme,
        "port_given": ":" in url.netloc.rpartition("]")[2].rpartition("@")[2],
        "path_given": url.path not in ("", "/"),
        "user_given": "@" in url.netloc,
        "ca_file": service.ca_file is not None,
        "client_certificate": service.client_certificate is not None,
    }


def _exporter(address: str, known: Exporter, pseudonym: Callable[[str], str]) -> dict[str, Any]:
    of_prefix = "/" in address
    return {
        "exporter": f"prefix /{address.partition('/')[2]}" if of_prefix else pseudonym(address),
        "named": known.name is not None,
        "sampling": known.sampling,
        "sampling_override": known.sampling_override,
        "capacity_gbit_per_second": known.capacity_gbit_per_second,
        "external": len(known.external),
        "internal": len(known.internal),
        "metered": known.metered,
        "others_set": sorted(known.model_fields_set - _KNOWN_OF_EXPORTER),
    }


_KNOWN_OF_EXPORTER = frozenset(
    {"name", "sampling", "sampling_override", "capacity_gbit_per_second", "external", "internal", "metered"}
)
