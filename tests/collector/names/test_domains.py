"""The list of domains: longest suffix, content before carriage, public suffixes, spelling."""

import pytest

from caudal.collector.names.domains import Domain, DomainList
from caudal.collector.names.verdict import CARRIER, UNLISTED
from caudal.reference import load_reference

ROWS = (
    Domain("netflix.com", "netflix", registrable=True),
    Domain("cloudfront.net", "aws", carrier=True),
    Domain("amazonaws.com", "aws", registrable=True),
    Domain("saves.s3.amazonaws.com", "ubisoft"),
    Domain("edgekey.net", "akamai", carrier=True, embeds=True),
    Domain("akamaized.net", "akamai", carrier=True),
    Domain("*-ak-spotify-com.akamaized.net", "spotify"),
    Domain("p*-game-*.akamaized.net", "ubisoft"),
    Domain("media.cloudfront.net", "netflix", alone=True),
    Domain("mercadolivre.com.br", "mercadolibre", registrable=True),
    Domain("xn--mnchen-3ya.example", "city", registrable=True),
)
LIST = DomainList(ROWS)


def said(name: bytes | str) -> str:
    verdict = LIST.verdict(name) if isinstance(name, bytes) else LIST.verdict_of_text(name)
    if verdict == UNLISTED:
        return "unlisted"
    return LIST.services[verdict & ~CARRIER] + (" carries" if verdict & CARRIER else "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"netflix.com", "netflix"),
        (b"www.netflix.com", "netflix"),
        (b"WWW.NetFlix.COM.", "netflix"),
        (b"notnetflix.com", "unlisted"),
        (b"netflix.com.example", "unlisted"),
        (b"com", "unlisted"),
        (b"", "unlisted"),
        (b".", "unlisted"),
        (b"d1.cloudfront.net", "aws carries"),
        # One host of a shared domain, and patterns of hosts.
        (b"media.cloudfront.net", "netflix"),
        (b"MEDIA.cloudfront.net.", "netflix"),
        (b"x.media.cloudfront.net", "aws carries"),
        (b"audio4-ak-spotify-com.akamaized.net", "spotify"),
        (b"a.audio4-ak-spotify-com.akamaized.net", "spotify"),
        (b"-ak-spotify-com.akamaized.net", "spotify"),
        (b"audio4.ak-spotify-com.akamaized.net", "akamai carries"),
        (b"audio4-ak-spotify-com.example.net", "unlisted"),
        (b"audio4-ak-spotify-comx.akamaized.net", "akamai carries"),
        (b"p1-game-eu.akamaized.net", "ubisoft"),
        (b"p1-gam-eu.akamaized.net", "akamai carries"),
        # Below a public suffix names are of others, above it they are the owner's.
        (b"aws.amazonaws.com", "aws"),
        (b"somebody.s3.amazonaws.com", "aws carries"),
        (b"saves.s3.amazonaws.com", "ubisoft"),
        (b"eu.saves.s3.amazonaws.com", "ubisoft"),
        # Siblings under a public suffix of two labels have nothing in common.
        (b"http2.mercadolivre.com.br", "mercadolibre"),
        (b"other.com.br", "unlisted"),
        # A carrier's name that holds its customer's.
        (b"www.netflix.com.edgekey.net", "netflix"),
        (b"www.example.org.edgekey.net", "akamai carries"),
        (b"e1.edgekey.net.edgekey.net", "akamai carries"),
        (b"edgekey.net", "akamai carries"),
        (b"www.m\xc3\xbcnchen.example", "unlisted"),
        (b"\xff\xfe.s3.amazonaws.com", "aws carries"),
        (b"a." * 200 + b"netflix.com", "unlisted"),
        ("www.MÜNCHEN.example", "city"),
        ("netflix。com", "netflix"),
        ("..", "unlisted"),
    ],
)
def test_whose_a_name_is(name: bytes | str, expected: str) -> None:
    assert said(name) == expected


def test_of_a_chain_the_first_owner_counts_and_else_the_first_carrier() -> None:
    def of(*names: bytes) -> int:
        return LIST.verdict_of_chain(names)

    carried = LIST.verdict(b"x.cloudfront.net")
    assert of(b"shop.example", b"x.cloudfront.net") == carried
    assert of(b"www.netflix.com", b"x.cloudfront.net") == LIST.verdict(b"netflix.com")
    assert of(b"x.cloudfront.net", b"a.netflix.com", b"saves.s3.amazonaws.com") == LIST.verdict(
        b"netflix.com"
    )
    assert of(b"shop.example", b"x.cloudfront.net", b"y.edgekey.net") == carried
    assert of(b"shop.example") == of() == UNLISTED


def test_every_row_of_the_reference_matches_itself() -> None:
    reference = load_reference()
    domains = DomainList.of(reference)
    rows = reference.facts("platform_domains")
    assert len(rows) > 1_000
    for row in rows.iter_rows(named=True):
        verdict = domains.verdict(row["suffix"].replace("*", "x-1").encode())
        assert domains.services[verdict & ~CARRIER] == row["platform_id"]
        assert bool(verdict & CARRIER) == bool(row["carrier"]), row
    assert set(domains.services[1:]) <= set(reference.platforms["platform_id"])
    assert domains.services[0] == ""


def test_more_platforms_than_a_verdict_can_tell_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="has room for 1024"):
        DomainList(Domain(f"{n}.example", f"p{n}") for n in range(1_024))
