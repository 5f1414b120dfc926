"""Reasons why a collector could not start, found in a moment: before anything is compiled or any table is built."""

import socket

from caudal.collector.columns.datagrams import Exporters
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.memory.statelock import StateLock
from caudal.collector.receive.listeners import Listeners, discard
from caudal.collector.settings.settings import CollectorSettings
from caudal.common.errors import ListenError


def require_startable(settings: CollectorSettings) -> None:
    """Raise the CaudalError that a start with these settings would end in, as far as that can be told at once.

    Looked at are token and certificates, the state directory and who holds it, and the addresses to listen on.
    """
    service_client(settings).close()
    with StateLock(settings.state_directory), Listeners(Exporters()) as listeners:
        discard(listeners.prepare(settings.listen, settings.receive_buffer_bytes))
        if settings.metrics_listen:
            _require_free(settings.metrics_listen)


def _require_free(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
    except OSError as error:
        raise ListenError(
            f"cannot serve metrics on {address}: {error.strerror}; choose another `metrics_listen`"
        ) from error
