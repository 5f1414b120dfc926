"""What an operator says of addresses: caches, geofeeds, and a second database."""

from pathlib import Path

import pytest

from caudal.reference import AddressError, AddressTable, OwnPrefix
from caudal.reference.addresses import operatorlist

from .test_addresses import Found, look_up


def feed(tmp_path: Path, body: str | bytes, name: str = "feed.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def platform(table: AddressTable, address: str) -> str:
    import ipaddress

    import numpy as np

    number = int(ipaddress.ip_address(address))
    if ":" in address:
        high, low = np.array([number >> 64], np.uint64), np.array([number & (1 << 64) - 1], np.uint64)
        segment = table.segments6(high, low)[0]
    else:
        segment = table.segments4(np.array([number], np.uint32))[0]
    return table.platforms[table.platform[segment]]


def test_caches_have_the_platform_that_the_list_names() -> None:
    table = AddressTable.load(
        [
            OwnPrefix("203.0.113.0/24", "UY", 64500),
            OwnPrefix("203.0.113.64/26", "UY", 0, "netflix"),
            OwnPrefix("2001:db8:5::/48", "UY", 0, "google"),
        ]
    )
    assert [platform(table, f"203.0.113.{at}") for at in (63, 64, 127, 128)] == ["", "netflix", "netflix", ""]
    assert platform(table, "2001:db8:5::1") == "google"
    assert platform(table, "2001:db8:6::1") == ""
    assert table.caches == ("203.0.113.64/26", "2001:db8:5::/48")
    assert look_up(table, "203.0.113.70") == Found(64500, "UY", "operator")
    table.accelerate()
    assert [platform(table, f"203.0.113.{at}") for at in (63, 64, 127, 128)] == ["", "netflix", "netflix", ""]


def test_without_a_list_nothing_is_a_cache() -> None:
    table = AddressTable.load()
    assert not table.platform.any()
    assert table.caches == ()
    assert table.platforms[0] == ""
    assert "netflix" in table.platforms


# Geofeeds


def test_a_geofeed_answers_below_the_list_and_above_the_clouds(tmp_path: Path) -> None:
    path = feed(
        tmp_path,
        "# our feed\r\n8.8.0.0/16,AR,AR-C,Buenos Aires,\r\n8.8.8.0/24,cl,,,\r\n8.9.9.9,PY\r\n52.67.0.0/16,BR,BR-SP,,,"
        "\r\n\r\n2001:4860::/32,AR,,\r\n52.68.0.0/16,,,,\r\n",
    )
    table = AddressTable.load([("8.8.8.0/25", "UY", 0)], geofeeds=[path])
    assert look_up(table, "8.8.8.8").country == "UY"
    assert look_up(table, "8.8.8.200") == Found(15169, "CL", "operator")
    assert look_up(table, "8.8.4.4") == Found(15169, "AR", "operator")
    assert look_up(table, "8.9.9.9").country == "PY"
    assert look_up(table, "52.67.1.1") == Found(16509, "BR", "operator")
    assert look_up(table, "2001:4860:4860::8888") == Found(15169, "AR", "operator")
    # The publisher's word that it has no place.
    assert look_up(table, "52.68.0.1") == Found(16509, "ZZ", "operator")


def test_of_two_feeds_the_first_counts(tmp_path: Path) -> None:
    feeds = [
        feed(tmp_path, "8.8.0.0/16,AR\n", "a.csv"),
        feed(tmp_path, "8.8.0.0/16,CL\n8.9.0.0/16,CL\n", "b.csv"),
    ]
    table = AddressTable.load(geofeeds=feeds)
    assert (look_up(table, "8.8.8.8").country, look_up(table, "8.9.0.1").country) == ("AR", "CL")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("8.8.8.8/16,AR", "line 3: 8.8.8.8/16 has host bits set"),
        ("everything,AR", "line 3: 'everything' does not appear to be"),
        ("8.8.0.0/16,QX", "line 3: 'QX' is not an ISO 3166-1 alpha-2 code"),
        ("8.8.0.0/16,Argentina", "line 3: 'Argentina' is not an ISO 3166-1 alpha-2 code"),
        ("8.8.0.0/16,AR,Buenos Aires", "line 3: 'Buenos Aires' is not an ISO 3166-2 code"),
        ("8.8.0.0/16,AR,CL-RM", "line 3: the region CL-RM is not one of AR"),
        ("9.9.0.0/16,CL", "line 3: 9.9.0.0/16 is given twice; first in line 2"),
        ('8.8.0.0/16,"AR', "is no geofeed in UTF-8"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = feed(tmp_path, f"# feed\n9.9.0.0/16,AR,,,\n{line}\n")
    with pytest.raises(AddressError) as caught:
        AddressTable.load(geofeeds=[path])
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_feed_that_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="is no geofeed in UTF-8"):
        AddressTable.load(geofeeds=[feed(tmp_path, b"8.8.0.0/16,A\xff\n")])


def test_a_feed_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        AddressError, match="cannot be read: No such file or directory; geofeeds are local files"
    ):
        AddressTable.load(geofeeds=[tmp_path / "no.csv"])


def test_feeds_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = feed(tmp_path, "8.8.0.0/16,AR\n8.9.0.0/16,AR\n8.10.0.0/16,AR\n")
    monkeypatch.setattr(operatorlist, "MOST_LINES", 2)
    with pytest.raises(AddressError, match="has more than 2 lines; keep only what you need"):
        AddressTable.load(geofeeds=[path])
    monkeypatch.setattr(operatorlist, "MOST_OCTETS", 20)
    with pytest.raises(AddressError, match="a geofeed may have 0: keep only what you need"):
        AddressTable.load(geofeeds=[path])


# A second database


def test_where_two_databases_disagree_nobody_knows(tmp_path: Path) -> None:
    second = feed(
        tmp_path,
        "prefix,country\n200.160.2.0/24,AR\n200.160.3.0/24,BR\n14.102.240.0/20,UY\n52.67.0.0/16,AR\n8.8.8.0/24,US\n"
        "2001:12ff::/32,CL\n",
        "second.csv",
    )
    table = AddressTable.load(second_country_table=second)
    assert look_up(table, "200.160.2.3") == Found(22548, "ZZ", "disagreement")
    assert look_up(table, "200.160.3.3").country == "BR"  # both say so
    assert look_up(table, "200.160.3.3").rung == "database"
    assert look_up(table, "200.160.4.1").rung == "database"  # the second knows nothing of it
    assert look_up(table, "14.102.240.1") == Found(0, "UY", "database")  # only the second knows
    assert look_up(table, "52.67.1.1") == Found(16509, "BR", "cloud")  # rungs above are not asked again
    assert look_up(table, "8.8.8.8") == Found(15169, "ZZ", "anycast")
    assert look_up(table, "2001:12ff::1") == Found(22548, "ZZ", "disagreement")


def test_a_table_agrees_with_itself() -> None:
    from caudal.reference.addresses.sources import ADDRESSES

    once, twice = AddressTable.load(), AddressTable.load(second_country_table=ADDRESSES)
    assert (once.country == twice.country).all()
    assert (once.rung == twice.rung).all()


def test_a_second_database_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="is neither a file nor a directory"):
        AddressTable.load(second_country_table=tmp_path / "no.mmdb")
    with pytest.raises(AddressError, match="line 1: 'Argentina' is not an ISO 3166-1 alpha-2 code"):
        AddressTable.load(second_country_table=feed(tmp_path, "8.8.0.0/16,Argentina\n"))
