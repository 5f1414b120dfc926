"""What a settings file means and what in it looks wrong, without receiving anything."""

import ipaddress
import itertools
import os
import re
import socket
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from caudal.collector.capture.livecapture import LiveCapture
from caudal.collector.cellcode import country_number
from caudal.collector.errors import CollectorError
from caudal.collector.places import load_places
from caudal.collector.receiver import may_force_buffer
from caudal.collector.serviceclient import service_client
from caudal.collector.settings import CollectorSettings, load_settings, read_token
from caudal.collector.statelock import holder
from caudal.reference import AddressTable, load_reference
from caudal.reference import ReferenceError as FactsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SYNTHETIC = "synthetic"

_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_SMALL_BUFFER = 4 << 20
_SHORT_TOKEN = 16
# Prefixes shorter than these are more than any one network has.
_SHORTEST = {4: 7, 6: 16}
_DOCUMENTATION = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
]
_PROBES = 64
_MEMORY_FILE_SYSTEMS = {"tmpfs", "ramfs"}


@dataclass(frozen=True)
class Checked:
    """What a collector with these settings would do, and what looks wrong, each a line; both name settings.

    A line of `wrong` begins with the setting that it is about. `unusable` says why it would not start.
    """

    plan: list[str]
    wrong: list[str]
    unusable: list[str]

    @property
    def exit_code(self) -> int:
        """0 if nothing looks wrong, 1 if something does, 2 if the collector would not start."""
        return 2 if self.unusable else 1 if self.wrong else 0


def check(config: Path) -> Checked:
    """Read settings, and everything they name, and say what they mean."""
    try:
        settings = load_settings(config)
    except CollectorError as error:
        return Checked([], [], [str(error)])
    unusable: list[str] = []
    table = _table(settings, unusable)
    try:
        service_client(settings).close()
    except CollectorError as error:
        unusable.append(str(error))
    running = holder(settings.state_directory)
    wrong = [
        *_home(settings, table),
        *_listeners(settings, running is not None, unusable),
        *_interfaces(settings, unusable),
        *_state(settings, unusable),
        *_windows(settings),
        *_exporters(settings),
        *_service(settings),
        *_sender(settings),
    ]
    return Checked(_plan(settings, running), wrong, unusable)


def _table(settings: CollectorSettings, unusable: list[str]) -> AddressTable | None:
    try:
        return load_places(settings)
    except (CollectorError, FactsError) as error:
        unusable.append(str(error))
        return None


def _plan(settings: CollectorSettings, running: int | None) -> list[str]:
    named = sum(known.name is not None for known in settings.exporters.values())
    sampled = sum(known.sampling is not None for known in settings.exporters.values())
    folding = (
        f"Cells of fewer than {settings.k_anonymity} local hosts are folded."
        if settings.k_anonymity > 1
        else "No cell is folded."
    )
    lines = [
        f"Collector {settings.collector} of operator {settings.operator} meters {settings.economy}"
        f"{', with traffic that is made up' if settings.synthetic else ''}.",
        f"It listens on UDP {', '.join(settings.listen)}, with {settings.receive_buffer_bytes >> 10} KiB of buffer each.",
        f"Home are {', '.join(settings.home)}.",
        f"It knows {len(settings.exporters)} exporters: {named} by name, {sampled} with a sampling rate; others appear "
        "under a pseudonym.",
        f"Windows are {settings.window_seconds} s long and close {settings.lateness_seconds} s after their end, or when "
        f"nothing comes for {settings.idle_seconds:g} s. {folding}",
        f"Batches wait in {settings.state_directory / 'spool'}, at most {settings.spool_max_bytes >> 20} MiB of them.",
        f"They go to {settings.service.url}, with the token in {settings.service.token_file}"
        f"{' and a client certificate' if settings.service.client_certificate else ''}.",
        f"Metrics are at http://{settings.metrics_listen}/metrics."
        if settings.metrics_listen
        else "No metrics are served.",
    ]
    for interface in settings.interfaces:
        chosen = f"packets that fit {interface.filter!r}" if interface.filter else "all packets"
        names = "their platform is found by names" if settings.names else "no names are looked at"
        lines.append(f"It meters {chosen} on {interface.name}; {names}.")
    if settings.locations:
        lines.append(f"Places of your own come from {settings.locations}.")
    if running is not None:
        lines.append(f"A collector runs on that directory now (process {running}).")
    return lines


def _home(settings: CollectorSettings, table: AddressTable | None) -> Iterator[str]:
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


def _within(one: Network, other: Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]


def _elsewhere(network: Network, table: AddressTable, economy: str) -> str:
    """Return where most of a prefix is by the address tables, if they know and it is not `economy`."""
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
    if number in (country_number("ZZ"), country_number(economy)) or count * 2 <= len(probes):
        return ""
    return chr(number >> 8) + chr(number & 0xFF)


def _listeners(settings: CollectorSettings, running: bool, unusable: list[str]) -> Iterator[str]:
    for address, times in Counter(settings.listen).items():
        if times > 1:
            yield f"listen: {address} is listed {times} times"
        host, port = _split(address)
        if port == 0:
            yield f"listen: {address} has port 0: the system would choose another at each start"
        if _everywhere(host) and not settings.allow:
            yield (
                f"listen: {address} takes exports from anybody who can reach it; list your routers' addresses in "
                "`allow`, or listen on an address that only they reach"
            )
        problem = _cannot_bind(host, port, running)
        if problem:
            unusable.append(f"listen: {address}: {problem}")
    if settings.metrics_listen and _everywhere(_split(settings.metrics_listen)[0]):
        yield f"metrics_listen: {settings.metrics_listen} shows metrics to anybody who can reach it"
    asked = settings.receive_buffer_bytes
    if asked < _SMALL_BUFFER:
        yield f"receive_buffer_bytes: {asked} is little: a burst of a few milliseconds fills it; ask for {32 << 20}"
    most = _number(_RMEM_MAX)
    if most is not None and asked > most and not may_force_buffer():
        yield (
            f"receive_buffer_bytes: the kernel grants {most} of the {asked} asked for; raise net.core.rmem_max "
            f"(sysctl -w net.core.rmem_max={asked}), or give the collector CAP_NET_ADMIN"
        )


def _cannot_bind(host: str, port: int, running: bool) -> str:
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(target)
    except socket.gaierror as error:
        return f"{host} is no address of this machine: {error.strerror}"
    except OSError as error:
        if running and port and error.errno == 98:  # EADDRINUSE: by the one that runs
            return ""
        return f"{error.strerror}; choose another address, or stop what uses this one"
    return ""


def _interfaces(settings: CollectorSettings, unusable: list[str]) -> Iterator[str]:
    for interface in settings.interfaces:
        try:
            with LiveCapture(interface.name, filter=interface.filter, buffer_bytes=0):
                pass
        except CollectorError as error:
            unusable.append(f"interfaces: {error}")
        if interface.name == "lo":
            yield "interfaces: lo carries what this machine says to itself; capture on the end of a mirror port"


def _state(settings: CollectorSettings, unusable: list[str]) -> Iterator[str]:
    directory = settings.state_directory
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        unusable.append(f"state_directory: {there} is not a directory that this user may write to")
        return
    if there == directory and stat.S_IMODE(there.stat().st_mode) & 0o007:
        yield f"state_directory: others may look into {directory}; chmod 700 it"
    if _file_system(there) in _MEMORY_FILE_SYSTEMS:
        yield f"state_directory: {directory} is in memory: what waits there is lost when the machine restarts"
    place = os.statvfs(there)
    free = place.f_bavail * place.f_frsize
    if free < settings.spool_max_bytes:
        yield (
            f"spool_max_bytes: {settings.spool_max_bytes >> 20} MiB may be spooled, and {free >> 20} MiB are free at "
            f"{there}"
        )


def _file_system(path: Path) -> str:
    best, kind = "", ""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    resolved = path.resolve()
    for line in mounts:
        _, place, type_, *_ = line.split(" ")
        if resolved.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, type_
    return kind


def _windows(settings: CollectorSettings) -> Iterator[str]:
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


def _exporters(settings: CollectorSettings) -> Iterator[str]:
    names = Counter(known.name for known in settings.exporters.values() if known.name)
    for name, times in names.items():
        if times > 1:
            yield f"exporters: {times} have the name {name}; their ledgers would be added up"
    allowed = [ipaddress.ip_network(prefix) for prefix in settings.allow]
    for address, known in settings.exporters.items():
        place = ipaddress.ip_network(address)
        if allowed and not any(_within(place, each) for each in allowed):
            yield f"exporters: {known.name or address} is not in `allow`: what it sends is filtered"
        if known.sampling is not None and known.sampling > 100_000:
            yield f"exporters: {known.name or address} samples 1 in {known.sampling:g}; is that right?"
        if not known.model_fields_set:
            yield f"exporters: nothing is said of {address}; give it a name"


def _service(settings: CollectorSettings) -> Iterator[str]:
    service = settings.service
    url = urlsplit(service.url)
    if url.username or url.password:
        yield "service.url: it holds a user or password, which would show in logs; use `token_file`"
    if url.query or url.fragment or url.path not in ("", "/"):
        yield f"service.url: it has more than scheme, host and port; batches go to {url.path.rstrip('/')}/v1/batches"
    host = url.hostname or ""
    try:
        found = {
            entry[4][0] for entry in socket.getaddrinfo(host, url.port or url.scheme, type=socket.SOCK_STREAM)
        }
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        yield f"service.url: {host} cannot be resolved now: {reason}"
        found = set()
    local = found and all(ipaddress.ip_address(str(each).partition("%")[0]).is_loopback for each in found)
    if url.scheme == "http" and not local:
        yield f"service.url: {url.scheme}://{host} is not encrypted: the token and all figures go in the clear; use https"
    yield from _secret("service.token_file", service.token_file)
    key = service.client_key or service.client_certificate
    if key:
        yield from _secret("service.client_key", key)
    try:
        if len(read_token(service.token_file)) < _SHORT_TOKEN:
            yield f"service.token_file: the token is shorter than the {_SHORT_TOKEN} letters that a service asks for"
    except CollectorError:
        pass  # said by what makes the client


def _secret(setting: str, path: Path) -> Iterator[str]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & 0o004:
        yield f"{setting}: everybody on this machine may read {path}; chmod 600 it"
    elif mode & 0o022:
        yield f"{setting}: others may write to {path}; chmod 600 it"


def _sender(settings: CollectorSettings) -> Iterator[str]:
    try:
        status = load_reference(settings.reference_overlay).economy(settings.economy).status
    except FactsError as error:
        yield f"economy: {error}"
        return
    if settings.synthetic and status != SYNTHETIC:
        yield f"synthetic: {settings.economy} is a real economy; a service refuses traffic that is made up for it"
    elif status == SYNTHETIC and not settings.synthetic:
        yield f"synthetic: {settings.economy} is no real economy; say `synthetic = true`"


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(re.sub(r"%.*", "", host)).is_unspecified
    except ValueError:
        return False


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
