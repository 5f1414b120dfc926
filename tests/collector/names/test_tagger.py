"""The tagger on whole packets: which service each flow is tagged with, and why the others are not."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from caudal.collector.metering.packetmeter import PacketMeter
from caudal.collector.names.domains import Domain, DomainList
from caudal.collector.names.tagger import CONNECTION_MS, LONGEST_ANSWER_MS, SHORTEST_ANSWER_MS, Tagger
from caudal.collector.packets.packetchunk import PacketChunk
from caudal.collector.packets.packets import PacketCounts, read_packets

from .messages import (
    ECH,
    KEY_SHARE,
    QUIC2,
    crypto,
    dns_answer,
    hello,
    quic_initial,
    real_hello,
    records,
    server_name,
)

DOMAINS = DomainList(
    [
        Domain("netflix.com", "netflix", registrable=True),
        Domain("spotify.com", "spotify", registrable=True),
        Domain("cloudfront.net", "aws", carrier=True),
    ]
)
HOME, OTHER, RESOLVER, FAR, FAR6, HOME6 = (
    "198.18.0.1",
    "198.18.0.2",
    "198.18.9.9",
    "104.16.1.1",
    "2001:db8::1",
    "2001:2::1",
)
START_MS = 1_767_225_600_000


def ip(source: str, destination: str) -> Packet:
    kind = IPv6 if ":" in source else IP
    return kind(src=source, dst=destination)


def tcp(
    payload: bytes = b"", source: str = HOME, far: str = FAR, port: int = 443, sequence: int = 1
) -> Packet:
    return ip(source, far) / TCP(sport=50_000, dport=port, seq=sequence, flags="PA") / Raw(payload)


def udp(payload: bytes, source: str = HOME, far: str = FAR, port: int = 443) -> Packet:
    return ip(source, far) / UDP(sport=50_000, dport=port) / Raw(payload)


def resolved(*rest: str, to: str = HOME, aliases: tuple[str, ...] = (), ttl: int = 60) -> Packet:
    name, *addresses = rest
    kind = "AAAA" if ":" in addresses[0] else "A"
    answer = dns_answer(name, *addresses, aliases=aliases, ttl=ttl, question=kind)
    return ip("2001:2::53" if ":" in to else RESOLVER, to) / UDP(sport=53, dport=40_000) / Raw(answer)


@dataclass
class Network:
    """A tagger and the meter beside it; packets are given one after the other, a millisecond apart."""

    tagger: Tagger = field(default_factory=lambda: Tagger(DOMAINS, bits=12))
    now_ms: int = START_MS

    def chunk(self, *packets: Packet, cut: int = 65_535) -> PacketChunk:
        frames = [bytes(packet) for packet in packets]
        captured = [frame[:cut] for frame in frames]
        length = np.array([len(frame) for frame in captured], np.int64)
        times = self.now_ms + np.arange(len(frames))
        self.now_ms += len(frames)
        return PacketChunk(
            np.frombuffer(b"".join(captured) + bytes(64), np.uint8),
            np.cumsum(length) - length,
            length,
            np.array([len(frame) for frame in frames], np.int64),
            times,
            np.full(len(frames), 101, np.uint16),
        )

    def sees(self, *packets: Packet, cut: int = 65_535) -> None:
        chunk = self.chunk(*packets, cut=cut)
        for lot in read_packets(chunk, PacketCounts()):
            self.tagger.look(chunk, lot)

    def tags(self, *packets: Packet) -> list[str]:
        """Return the services of the flows that these packets are, one by one."""
        found = []
        for packet in packets:
            meter = PacketMeter(10_000)
            meter.add(self.chunk(packet))
            [tag] = self.tagger.tag(meter.flush()).tolist()
            found.append(DOMAINS.services[tag])
        return found

    def outcomes(self) -> dict[str, int]:
        return {name: count for name, count in self.tagger.counts.flows.items() if count}


@pytest.fixture
def network() -> Network:
    return Network()


def back(packet: Packet) -> Packet:
    """The same packet the other way."""
    answer = packet.copy()
    answer.src, answer.dst = packet.dst, packet.src
    answer.payload.sport, answer.payload.dport = packet.payload.dport, packet.payload.sport
    return answer


def request(host: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()


def test_a_request_of_http_tags_as_a_name_of_tls_does(network: Network) -> None:
    network.sees(tcp(request("www.netflix.com:80"), port=80), tcp(request("other.example"), port=8080))
    assert network.tags(tcp(port=80), back(tcp(port=80)), tcp(port=8080), tcp(port=81)) == [
        "netflix",
        "netflix",
        "",
        "",
    ]
    assert network.outcomes() == {"named": 2, "unlisted": 1, "unseen": 1}
    assert network.tagger.counts.http_requests == 2


def test_a_connection_that_asks_for_two_owners_is_nobodys(network: Network) -> None:
    network.sees(*(tcp(request(host), port=8080) for host in ("a.netflix.com", "b.netflix.com")))
    assert network.tags(tcp(port=8080)) == ["netflix"]
    network.sees(tcp(request("open.spotify.com"), port=8080))
    network.sees(tcp(request("a.netflix.com"), port=8080))
    assert network.tags(tcp(port=8080)) == [""]
    assert network.outcomes() == {"named": 1, "ambiguous": 1}


def test_the_host_of_a_request_goes_before_what_its_address_was_resolved_for(network: Network) -> None:
    network.sees(resolved("www.netflix.com", FAR))
    assert network.tags(tcp(port=80)) == ["netflix"]
    network.sees(tcp(request("open.spotify.com"), port=80))
    assert network.tags(tcp(port=80)) == ["spotify"]


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [
        (b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "unnamed"),
        (b"GET / HTTP/1.1\r\nX-Long: aaaa", "truncated"),
        (b"GET a coffee\r\n\r\n", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nHost: www.netflix.com\r\n\r\n", "unseen"),
        (b"GET", "unseen"),
    ],
)
def test_why_a_request_names_nobody(network: Network, payload: bytes, outcome: str) -> None:
    network.sees(tcp(payload, port=80))
    assert network.tags(tcp(port=80)) == [""]
    assert network.outcomes() == {outcome: 1}


def test_tls_tags_both_directions_of_its_connection_and_no_other(network: Network) -> None:
    network.sees(tcp(real_hello("www.netflix.com")))
    assert network.tags(tcp(), back(tcp())) == ["netflix", "netflix"]
    assert network.tags(tcp(source=OTHER), tcp(port=8443)) == ["", ""]
    assert network.outcomes() == {"named": 2, "unseen": 2}
    assert network.tagger.counts.client_hellos == 1


@pytest.mark.parametrize("make", [quic_initial, lambda payload: quic_initial(payload, QUIC2)])
def test_quic_tags_its_connection(network: Network, make: Callable[[bytes], bytes]) -> None:
    network.sees(udp(make(crypto(hello(server_name("www.netflix.com"))))))
    assert network.tags(udp(b"x"), back(udp(b"x"))) == ["netflix", "netflix"]
    assert network.tagger.counts.quic_initials == 1


def test_a_hello_over_two_quic_datagrams(network: Network) -> None:
    whole = hello(KEY_SHARE, server_name("www.netflix.com"))
    first, second = (udp(quic_initial(crypto(whole[at : at + 800], at))) for at in (0, 800))
    network.sees(second, first)
    assert network.tags(udp(b"x")) == ["netflix"]
    network.sees(first, second)
    assert network.tagger.counts.quic_initials == 2, "what is known is not looked at again"


def test_a_hello_over_three_segments_one_of_them_twice(network: Network) -> None:
    stream = records(hello(KEY_SHARE, server_name("www.netflix.com")))
    segments = [tcp(stream[at : at + 600], sequence=(2**32 - 100 + at) % 2**32) for at in (0, 600, 1_200)]
    network.sees(segments[0])
    assert network.tags(tcp()) == [""]
    assert network.outcomes() == {"truncated": 1}
    network.sees(segments[0], segments[1], tcp(b"other", source=OTHER), segments[1], segments[2])
    assert network.tags(tcp()) == ["netflix"]
    assert len(network.tagger._hellos) == 0


def test_a_hello_that_was_cut_by_the_capture(network: Network) -> None:
    network.sees(tcp(records(hello(KEY_SHARE, server_name("www.netflix.com")))), cut=512)
    network.sees(udp(quic_initial(crypto(hello(server_name("www.netflix.com")))), source=OTHER), cut=512)
    assert network.tags(tcp(), udp(b"x", source=OTHER)) == ["", ""]
    assert network.outcomes() == {"truncated": 2}


@pytest.mark.parametrize(
    ("extensions", "expected", "outcome"),
    [
        ([server_name("www.example.org")], "", "unlisted"),
        ([server_name("d1.cloudfront.net")], "aws", "named_carrier"),
        ([], "", "unnamed"),
        ([ECH], "", "encrypted"),
        ([server_name("cloudflare-ech.com"), ECH], "", "encrypted"),
        ([server_name("d1.cloudfront.net"), ECH], "", "encrypted"),
        # Browsers pretend to encrypt everywhere; a name of content is the true one, or its owner's.
        ([server_name("www.netflix.com"), ECH], "netflix", "named"),
    ],
)
def test_what_a_hello_says(network: Network, extensions: list[bytes], expected: str, outcome: str) -> None:
    network.sees(tcp(records(hello(*extensions))))
    assert network.tags(tcp()) == [expected]
    assert network.outcomes() == {outcome: 1}


def test_dns_tags_flows_between_who_asked_and_what_was_told(network: Network) -> None:
    network.sees(resolved("www.netflix.com", FAR, "104.16.1.2"), resolved("x.netflix.com", FAR6, to=HOME6))
    assert network.tags(tcp(), back(tcp(far="104.16.1.2")), tcp(source=HOME6, far=FAR6)) == ["netflix"] * 3
    assert network.outcomes() == {"resolved": 3}


def test_an_alias_on_a_cdn_keeps_its_owner(network: Network) -> None:
    network.sees(resolved("www.netflix.com", FAR, aliases=("d1.cloudfront.net",)))
    network.sees(resolved("shop.example", "104.16.1.2", aliases=("d2.cloudfront.net",)))
    assert network.tags(tcp(), tcp(far="104.16.1.2")) == ["netflix", "aws"]
    assert network.outcomes() == {"resolved": 1, "resolved_carrier": 1}


def test_what_all_were_told_of_an_address_holds_for_those_whose_questions_were_not_seen(
    network: Network,
) -> None:
    network.sees(resolved("www.netflix.com", FAR, to=RESOLVER))
    assert network.tags(tcp(source=OTHER)) == ["netflix"]
    network.sees(resolved("shop.example", FAR, to=RESOLVER))
    assert network.tags(tcp(source="198.18.0.3")) == [""]
    assert network.outcomes() == {"resolved": 1, "ambiguous": 1}


def test_an_address_that_one_host_asked_for_by_two_names_is_ambiguous(network: Network) -> None:
    network.sees(resolved("www.netflix.com", FAR), resolved("www.spotify.com", FAR))
    assert network.tags(tcp()) == [""]
    network.sees(tcp(real_hello("www.spotify.com")))
    assert network.tags(tcp()) == ["spotify"], "what the connection says itself goes before"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("www.example.org", ""),
        ("www.spotify.com", "spotify"),
        ("d1.cloudfront.net", "netflix"),
        (None, "netflix"),
    ],
)
def test_the_name_of_a_connection_beside_that_of_its_address(
    network: Network, name: str | None, expected: str
) -> None:
    network.sees(resolved("www.netflix.com", FAR), tcp(real_hello(name)))
    assert network.tags(tcp()) == [expected]


def test_a_name_that_is_not_listed_may_still_be_carried_by_somebody_known(network: Network) -> None:
    network.sees(
        resolved("shop.example", FAR, aliases=("d2.cloudfront.net",)), tcp(real_hello("shop.example"))
    )
    assert network.tags(tcp()) == ["aws"]


@pytest.mark.parametrize(("ttl", "life_ms"), [(60, SHORTEST_ANSWER_MS), (1 << 30, LONGEST_ANSWER_MS)])
def test_an_answer_is_forgotten_in_time(network: Network, ttl: int, life_ms: int) -> None:
    network.sees(resolved("www.netflix.com", FAR, ttl=ttl))
    network.now_ms = START_MS + life_ms
    assert network.tags(tcp()) == ["netflix"]
    network.now_ms = START_MS + life_ms + 1
    assert network.tags(tcp(source=OTHER)) == [""]


def test_a_connection_is_remembered_while_it_goes_on(network: Network) -> None:
    network.sees(resolved("www.netflix.com", FAR))
    for _ in range(3):  # longer than any answer holds, with pauses
        network.now_ms += CONNECTION_MS // 2 if network.tags(tcp()) == ["netflix"] else 1 << 40
    assert network.tags(tcp()) == ["netflix"]
    network.now_ms += CONNECTION_MS + 10
    assert network.tags(tcp()) == [""]


def test_a_port_used_again_is_another_connection(network: Network) -> None:
    network.sees(tcp(real_hello("www.netflix.com")), tcp(real_hello("www.spotify.com"), sequence=99))
    assert network.tags(tcp()) == ["spotify"]


def test_what_looks_like_something_and_is_not_is_counted(network: Network) -> None:
    bad_answer = ip(RESOLVER, HOME) / UDP(sport=53, dport=40_000) / Raw(b"\0\7\x81\x80\0\1\0\1\0\0\0\0\x3f")
    bad_initial = udp(b"\xc0\0\0\0\x01" + bytes(1_300))
    bad_hello = tcp(b"\x16\x03\x01\0\x40\x01\xff\xff\xff" + bytes(60), source=OTHER)
    network.sees(bad_answer, bad_initial, bad_hello)
    assert network.tagger.counts.unreadable == 3
    assert network.tags(udp(b"x"), tcp(source=OTHER)) == ["", ""]
    assert network.outcomes() == {"unreadable": 2}


def test_no_more_is_looked_at_than_allowed() -> None:
    network = Network(Tagger(DOMAINS, per_second=5, bits=12))
    answers = [resolved("www.netflix.com", f"104.16.2.{n}") for n in range(20)]
    network.sees(*answers)
    assert (network.tagger.counts.dns_answers, network.tagger.counts.over_limit) == (5, 15)
    network.now_ms += 400
    network.sees(*answers)
    assert network.tagger.counts.dns_answers == 7


def test_fragments_and_small_packets_are_passed_over(network: Network) -> None:
    late = resolved("www.netflix.com", FAR)
    late.frag = 3
    network.sees(late, udp(b"\xc0\0\0\0\x01"), tcp(b"\x16\x03"), ip(RESOLVER, HOME) / UDP(sport=53, dport=9))
    counts = network.tagger.counts
    assert (counts.dns_answers, counts.quic_initials, counts.client_hellos, counts.unreadable) == (0, 0, 0, 0)


def test_unfinished_hellos_are_bounded_in_number_and_time(network: Network) -> None:
    begun = records(hello(KEY_SHARE))[:1_000]
    hellos = [
        IP(src="198.18.0.1", dst=FAR) / TCP(sport=1_024 + n, dport=443, seq=1) / Raw(begun)
        for n in range(2_100)
    ]
    network.sees(*hellos)
    assert len(network.tagger._hellos) == 2_048
    network.now_ms += 20_000
    network.sees(tcp())
    assert len(network.tagger._hellos) == 0


def test_nothing_that_is_kept_holds_a_name_or_an_address(network: Network) -> None:
    secret = "planted-name-7f3a.netflix.com"
    network.sees(
        resolved(secret, FAR), tcp(real_hello(secret)), udp(quic_initial(crypto(hello(server_name(secret)))))
    )
    assert network.tags(tcp()) == ["netflix"]
    held = repr(vars(network.tagger)) + repr(network.tagger.counts)
    for table in (network.tagger._connections, network.tagger._asked, network.tagger._told):
        held += "".join(
            array.tobytes().hex() for array in vars(table).values() if isinstance(array, np.ndarray)
        )
    assert "planted" not in held
    assert b"planted".hex() not in held
    assert "68100101" not in held, "the far address"
    assert "01011068" not in held


def test_a_hidden_name_is_not_learnt_from_dns_instead(network: Network) -> None:
    network.sees(
        resolved("www.netflix.com", FAR), tcp(records(hello(server_name("cloudflare-ech.com"), ECH)))
    )
    assert network.tags(tcp()) == [""]
    assert network.outcomes() == {"encrypted": 1}
