"""Checks of settings against this machine: sockets, interfaces, disk, secrets, and the way to the service."""

import ipaddress
import os
import re
import socket
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from caudal.collector.check.unit import Unit
from caudal.collector.check.unitaccess import may_write
from caudal.collector.receive.listeners import shares_port
from caudal.collector.receive.livecapture import LiveCapture
from caudal.collector.receive.receiver import may_force_buffer
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import read_token
from caudal.common.errors import ListenError, SettingsError

_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_SMALL_BUFFER = 4 << 20
_SHORT_TOKEN = 16
_MEMORY_FILE_SYSTEMS = {"tmpfs", "ramfs"}


def listeners(
    settings: CollectorSettings, running: bool, unusable: list[str], unit: Unit | None = None
) -> Iterator[str]:
    """Yield lines about addresses that cannot be listened on, or by too many, and buffers that are too small.

    `unit` is that of which the capabilities count, where this process has others.
    """
    for address, times in Counter(settings.listen).items():
        if times > 1:
            yield f"listen: {address} is listed {times} times"
        host, port = _split(address)
        if port == 0:
            yield f"listen: {address} has port 0: the system would choose another at each start"
        if not settings.allow and not _loopback(host):
            yield (
                f"listen: {address} takes exports from anybody who can reach it; list your routers' addresses in "
                "`allow`, or listen on an address that only they reach"
            )
        problem = _cannot_bind(host, port, running, only_ipv6=shares_port(address, settings.listen))
        if problem:
            unusable.append(f"listen: {address}: {problem}")
    if settings.metrics_listen and _everywhere(_split(settings.metrics_listen)[0]):
        yield f"metrics_listen: {settings.metrics_listen} shows metrics to anybody who can reach it"
    asked = settings.receive_buffer_bytes
    if asked < _SMALL_BUFFER:
        yield f"receive_buffer_bytes: {asked} is little: a burst of a few milliseconds fills it; ask for {32 << 20}"
    most = _number(_RMEM_MAX)
    forces = "CAP_NET_ADMIN" in unit.capabilities if unit is not None else may_force_buffer()
    if most is not None and asked > most and not forces:
        yield (
            f"receive_buffer_bytes: the kernel grants {most} of the {asked} asked for; raise net.core.rmem_max "
            f"(sysctl -w net.core.rmem_max={asked}), or give the collector CAP_NET_ADMIN"
        )


def interfaces(settings: CollectorSettings, unusable: list[str]) -> Iterator[str]:
    """Yield lines about interfaces that cannot be captured from, or are not worth it."""
    for interface in settings.interfaces:
        try:
            with LiveCapture(interface.name, packet_filter=interface.filter, buffer_bytes=0):
                pass
        except ListenError as error:
            unusable.append(f"interfaces: {error}")
        if interface.name == "lo":
            yield "interfaces: lo carries what this machine says to itself; capture on the end of a mirror port"


def state(settings: CollectorSettings, unusable: list[str], unit: Unit | None = None) -> Iterator[str]:
    """Yield lines about where the spool would be, for the user of `unit` or else for this one; it may not be usable."""
    directory = settings.state_directory
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        unusable.append(f"state_directory: {there} is not a directory that this user may write to")
        return
    made = (
        unit is not None and directory.parent == Path("/var/lib") and directory.name in unit.state_directories
    )
    if unit is not None and not made and not may_write(unit, there):
        unusable.append(
            f"state_directory: {unit.who}, as which {unit.name} runs, may not write to {there}; add StateDirectory= to the unit, "
            "or chown the directory"
        )
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


def service(settings: CollectorSettings) -> Iterator[str]:
    """Yield lines about where batches go, and who else may read the secrets."""
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
    except SettingsError:
        pass  # said by what makes the client


def _cannot_bind(host: str, port: int, running: bool, *, only_ipv6: bool = False) -> str:
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            if only_ipv6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(target)
    except socket.gaierror as error:
        return f"{host} is no address of this machine: {error.strerror}"
    except OSError as error:
        if running and port and error.errno == 98:  # EADDRINUSE: by the one that runs
            return ""
        return f"{error.strerror}; choose another address, or stop what uses this one"
    return ""


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


def _secret(setting: str, path: Path) -> Iterator[str]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & 0o004:
        yield f"{setting}: everybody on this machine may read {path}; chmod 600 it"
    elif mode & 0o022:
        yield f"{setting}: others may write to {path}; chmod 600 it"


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(re.sub(r"%.*", "", host)).is_loopback
    except ValueError:
        return host == "localhost"


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
