"""A value beside those of others: a median of three or more, no order where intervals overlap."""

import re

import pytest

from caudal.service.reports.content.peers import Peer, PeerValue
from caudal.service.reports.content.standing import median_of
from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.language import LANGUAGES, Language

from ..samples import content, measures, observed

MONTH = "2026-10"


def peer(
    economy: str,
    low: float,
    value: float,
    high: float,
    *,
    region: bool = True,
    like: bool = False,
    month: str = MONTH,
) -> Peer:
    told = PeerValue("J1", None, value, low, high)
    return Peer(economy, month, f"{economy}-{month}-v1", region, like, (told,))


def said(*peers: Peer, language: str = "en", low: float = 0.30, high: float = 0.40) -> str:
    now = measures(MONTH, observed("J1", 0.32, low, high), observed("J4", 0.6, dimension="US"))
    edition = Edition(content(now, peers=peers), Language.of(language, "CL"))
    return edition.comparison(edition.content.groups[0])


def test_nothing_is_said_where_nobody_published() -> None:
    assert said() == ""
    # Nor of what nobody has beside it.
    other = Peer("BR", MONTH, "BR-2026-10-v1", True, False, (PeerValue("J4", "CN", 0.1, 0.1, 0.1),))
    assert said(other) == ""


def test_fewer_than_three_are_named_with_their_intervals() -> None:
    text = said(peer("BR", 0.50, 0.55, 0.60), peer("US", 0.10, 0.15, 0.20))
    assert "Brazil 55.0% (50.0 – 60.0%); United States 15.0% (10.0 – 20.0%)" in text
    assert "median" not in text and "number" not in text
    assert "higher than in United States" in text and "lower than in Brazil" in text


def test_three_have_a_median_whose_limits_hold_it() -> None:
    text = said(peer("BR", 0.50, 0.55, 0.60), peer("US", 0.10, 0.15, 0.20), peer("UY", 0.05, 0.08, 0.29))
    assert (
        "The median of 3 other countries of the region with published figures is 15.0% (10.0 – 29.0%)."
        in text
    )
    assert "number 2 of 4" in text


def test_no_place_and_no_order_where_intervals_overlap() -> None:
    text = said(peer("BR", 0.50, 0.55, 0.60), peer("US", 0.10, 0.15, 0.20), peer("UY", 0.05, 0.08, 0.30))
    assert "number" not in text
    assert "The intervals overlap with UY: no order can be told." in text


def test_peers_of_like_size_have_a_sentence_of_their_own_where_they_are_others() -> None:
    of_region = [peer(code, 0.5, 0.55, 0.6, like=True) for code in ("BR", "US", "UY")]
    assert "like size" not in said(*of_region)
    text = said(*of_region, peer("CA", 0.7, 0.75, 0.8, region=False, like=True))
    assert "The median of 4 countries of like size" in text


def test_many_are_counted() -> None:
    codes = ("AR", "BO", "BR", "CO", "CR", "EC", "PE")
    text = said(*(peer(code, 0.35, 0.36, 0.37) for code in codes))
    assert "The intervals overlap with 7 of them" in text


def test_figures_of_the_month_before_are_said_to_be() -> None:
    text = said(peer("BR", 0.5, 0.55, 0.6, month="2026-09"), peer("US", 0.1, 0.15, 0.2))
    assert "Of September 2026, as October 2026 had not been published: Brazil." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_figures(language: str) -> None:
    peers = (
        peer("BR", 0.50, 0.55, 0.60),
        peer("US", 0.10, 0.15, 0.20, month="2026-09"),
        peer("UY", 0.05, 0.08, 0.30),
        peer("CA", 0.70, 0.75, 0.80, region=False, like=True),
    )
    text = said(*peers, language=language)
    decimals = re.findall(r"\d+[.,]\d", text)
    assert [each.replace(",", ".") for each in decimals] == re.findall(r"\d+\.\d", said(*peers))
    assert "{" not in text


def test_the_limits_of_a_median_hold_it_whatever_the_values_are() -> None:
    values = [
        PeerValue("J1", None, v, low, high)
        for low, v, high in ((0.1, 0.2, 0.9), (0.3, 0.4, 0.5), (0.0, 0.1, 0.2))
    ]
    assert median_of(values) == (0.2, 0.1, 0.5)
