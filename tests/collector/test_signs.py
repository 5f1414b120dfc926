"""Signs of exporters, gathered from all that notices something."""

import re
import struct

from caudal.collector.signs.signs import Sign, signs_of_decoding
from tests.support.builders import OCTETS, PACKETS, ROUTER, a_set, bench, netflow9, template

RATED = template(256, OCTETS, PACKETS, (34, 4))


def record(rate: int, octets: int = 1500) -> bytes:
    return a_set(256, struct.pack(">III", octets, 1, rate))


def test_an_exporter_that_is_as_it_should_be_shows_none() -> None:
    under = bench()
    under.decode(netflow9(RATED, record(1000)))
    assert list(signs_of_decoding(under.decoder, str)) == []


def test_each_thing_that_is_not_believed_is_a_sign_of_its_own() -> None:
    under = bench()
    under.decode(netflow9(RATED, record(2_919_759_872), record(100, octets=1 << 31)))
    found = list(signs_of_decoding(under.decoder, under.exporters.addresses.__getitem__))
    assert [(each.exporter, each.kind, each.needs_attention) for each in found] == [
        (ROUTER, "rate_not_believed", True),
        (ROUTER, "counts_not_believed", True),
    ]
    assert "1:2222 with its octets the wrong way round" in found[0].sentence
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", each.kind) for each in found)
    assert [Sign.of(each.plain) for each in found] == found


def test_what_the_operator_has_settled_needs_no_attention() -> None:
    """The rate of the settings holds: it is good to know that the router states another."""
    under = bench({ROUTER: 700})
    under.decode(netflow9(RATED, record(2_919_759_872)))
    (found,) = signs_of_decoding(under.decoder, str)
    assert (found.kind, found.needs_attention) == ("rate_not_believed", False)
