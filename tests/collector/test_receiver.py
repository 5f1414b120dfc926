"""Receiving over real sockets on loopback."""

import select
import socket
from collections.abc import Iterator

import pytest

from caudal.collector.columns.allowlist import AllowList
from caudal.collector.columns.datagrams import Exporters
from caudal.collector.receive.receiver import SLOTS, Receiver
from caudal.common.errors import ListenError

BUFFER = 4 << 20


@pytest.fixture
def exporters() -> Exporters:
    return Exporters()


@pytest.fixture
def receiver(exporters: Exporters) -> Iterator[Receiver]:
    with Receiver("127.0.0.1:0", exporters, BUFFER) as listening:
        yield listening


@pytest.fixture
def receiver6(exporters: Exporters) -> Iterator[Receiver]:
    with Receiver("[::1]:0", exporters, BUFFER) as listening:
        yield listening


def send(receiver: Receiver, *payloads: bytes, source: str = "127.0.0.1") -> None:
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        out.bind((source, 0))
        for payload in payloads:
            out.sendto(payload, ("::1" if ":" in source else "127.0.0.1", receiver.port))


def receive(receiver: Receiver) -> list[tuple[bytes, int]]:
    """(payload, exporter) of all that waits."""
    found: list[object] = []
    while select.select([receiver], [], [], 0.2 if not found else 0)[0]:
        datagrams = receiver.receive()
        if datagrams is None:
            break
        assert not datagrams.truncated.any()
        for at, length, number in zip(datagrams.offset, datagrams.length, datagrams.exporter, strict=True):
            found.append((bytes(datagrams.buffer[at : at + length]), int(number)))
    return found


def test_payloads_as_they_were_sent(receiver: Receiver, exporters: Exporters) -> None:
    sent = [bytes([n]) * (n * 7) for n in range(200)]
    send(receiver, *sent)
    assert receive(receiver) == [(payload, 0) for payload in sent]
    assert exporters.addresses == ["127.0.0.1"]


@pytest.mark.parametrize("source", ["127.0.0.1", "::1"])
def test_source_ports_tell_senders_behind_one_address_apart(
    receiver: Receiver, receiver6: Receiver, exporters: Exporters, source: str
) -> None:
    to = receiver6 if ":" in source else receiver
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one, socket.socket(family, socket.SOCK_DGRAM) as other:
        for out in (one, other):
            out.bind((source, 0))
        ports = [out.getsockname()[1] for out in (one, other)]
        for out in (one, other, one):
            out.sendto(b"x", (source, to.port))
        select.select([to], [], [], 5)
        datagrams = to.receive()
    assert datagrams is not None
    assert datagrams.port.tolist() == [ports[0], ports[1], ports[0]]
    assert (datagrams.exporter == datagrams.exporter[0]).all()


def test_nothing_waits(receiver: Receiver) -> None:
    assert receiver.receive() is None


def test_more_than_the_ring_has_slots(receiver: Receiver) -> None:
    sent = [n.to_bytes(4, "big") for n in range(SLOTS + 50)]
    send(receiver, *sent)
    assert len(receiver.receive() or ()) == SLOTS
    assert [payload for payload, _ in receive(receiver)] == sent[SLOTS:]


def test_the_port_is_no_part_of_an_exporter(receiver: Receiver, exporters: Exporters) -> None:
    for _ in range(3):
        send(receiver, b"a", b"b")
    assert [number for _, number in receive(receiver)] == [0] * 6
    assert len(exporters.addresses) == 1


def test_sources_are_told_apart(receiver: Receiver, exporters: Exporters) -> None:
    sources = ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.4", "127.0.0.3"]
    for source in sources:
        send(receiver, source.encode(), source=source)
    found = receive(receiver)
    assert (
        [exporters.addresses[number] for _, number in found]
        == [payload.decode() for payload, _ in found]
        == sources
    )


def test_numbers_are_kept_from_lot_to_lot(receiver: Receiver, exporters: Exporters) -> None:
    for source in ("127.0.0.9", "127.0.0.8", "127.0.0.9"):
        send(receiver, b"x", source=source)
        assert [exporters.addresses[number] for _, number in receive(receiver)] == [source]


def test_exporters_beyond_the_list_have_no_number() -> None:
    with Receiver("127.0.0.1:0", Exporters(limit=1), BUFFER) as receiver:
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
            send(receiver, b"x", source=source)
        assert [number for _, number in receive(receiver)] == [0, -1, 0]


def test_large_datagrams(receiver: Receiver) -> None:
    sent = [bytes([n]) * 60_000 for n in range(5)] + [b"\7" * 65_507]
    send(receiver, *sent)
    assert [payload for payload, _ in receive(receiver)] == sent


def test_an_empty_datagram(receiver: Receiver) -> None:
    send(receiver, b"", b"x")
    assert [payload for payload, _ in receive(receiver)] == [b"", b"x"]


def test_ipv6(receiver6: Receiver, exporters: Exporters) -> None:
    send(receiver6, b"a", b"b" * 9000, source="::1")
    assert [payload for payload, _ in receive(receiver6)] == [b"a", b"b" * 9000]
    assert exporters.addresses == ["::1"]


def test_an_ipv4_exporter_at_an_ipv6_socket_is_named_as_ipv4(exporters: Exporters) -> None:
    with Receiver("[::]:0", exporters, BUFFER) as receiver:
        send(receiver, b"x", source="127.0.0.5")
        send(receiver, b"y", source="::1")
        assert [exporters.addresses[number] for _, number in receive(receiver)] == ["127.0.0.5", "::1"]


def test_one_exporter_at_two_sockets(receiver: Receiver, exporters: Exporters) -> None:
    with Receiver("127.0.0.1:0", exporters, BUFFER) as other:
        for each in (receiver, other):
            send(each, b"x")
            assert receive(each) == [(b"x", 0)]


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "[::1]:{}"])
def test_an_address_in_use(address: str, exporters: Exporters) -> None:
    with Receiver(address.format(0), exporters, BUFFER) as first:
        taken = address.format(first.port)
        with pytest.raises(ListenError) as caught, Receiver(taken, exporters, BUFFER):
            pass
    assert str(caught.value) == (
        f"cannot listen on {taken} (UDP): Address already in use; choose another address in `listen`, "
        "or stop what uses this one"
    )


@pytest.mark.parametrize("address", ["203.0.113.1:2055", "no-such-host.invalid:2055"])
def test_an_address_that_is_not_ours(address: str, exporters: Exporters) -> None:
    with (
        pytest.raises(ListenError, match=rf"^cannot listen on {address} \(UDP\): "),
        Receiver(address, exporters, BUFFER),
    ):
        pass


def test_kernel_drops_are_counted(exporters: Exporters) -> None:
    with Receiver("127.0.0.1:0", exporters, 1 << 12) as receiver:
        assert receiver.kernel_drops() == 0
        send(receiver, *[bytes(1400)] * 500)
        received = len(receive(receiver))
        assert received < 500
        assert receiver.kernel_drops() == 500 - received


def test_who_is_not_allowed_is_told_without_taking_a_place() -> None:
    exporters = Exporters(allow=AllowList(["127.0.0.2/31"]))
    with Receiver("127.0.0.1:0", exporters, BUFFER) as receiver:
        for source in ("127.0.0.4", "127.0.0.3", "127.0.0.4", "127.0.0.2"):
            send(receiver, source.encode(), source=source)
        found = receive(receiver)
    told = [(payload, number if number < 0 else exporters.addresses[number]) for payload, number in found]
    assert told == [
        (b"127.0.0.4", -2),
        (b"127.0.0.3", "127.0.0.3"),
        (b"127.0.0.4", -2),
        (b"127.0.0.2", "127.0.0.2"),
    ]
    assert len(exporters) == 2


def test_a_number_given_up_is_not_remembered(receiver: Receiver, exporters: Exporters) -> None:
    send(receiver, b"1", source="127.0.0.5")
    assert receive(receiver) == [(b"1", 0)]
    exporters.free(0)
    send(receiver, b"2", source="127.0.0.6")
    assert receive(receiver) == [(b"2", 0)]
    send(receiver, b"3", source="127.0.0.5")
    assert receive(receiver) == [(b"3", 1)]
