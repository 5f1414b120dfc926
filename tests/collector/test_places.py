"""What an operator's files say of places, on its way into the address table."""

from pathlib import Path

import pytest

from caudal.collector.pipeline.addresstable import load_address_table, read_locations
from caudal.collector.settings.settingsfile import load_settings
from caudal.common.errors import SettingsError
from caudal.reference import AddressError, AddressTable, OwnPrefix


def written(path: Path, body: str | bytes) -> Path:
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def test_locations(tmp_path: Path) -> None:
    path = written(
        tmp_path / "locations.csv",
        "\ufeffprefix,country,asn,platform\n# ours\n203.0.113.0/24, UY ,AS64500\n\n2001:db8::/32,NA\n"
        "198.51.100.0/24,ZZ,\n192.0.2.0/25,UY,,netflix\n",
    )
    assert read_locations(path) == [
        OwnPrefix("203.0.113.0/24", "UY", 64500),
        OwnPrefix("2001:db8::/32", "NA"),
        OwnPrefix("198.51.100.0/24", "ZZ"),
        OwnPrefix("192.0.2.0/25", "UY", 0, "netflix"),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"203.0.113.1/24,UY", "line 3: 203.0.113.1/24 has host bits set"),
        (b"203.0.113.0/24", "line 3: no country; write prefix,country[,asn[,platform]]"),
        (b"203.0.113.0/24,Uruguay", "line 3: 'Uruguay' is no two-letter country code"),
        (b"203.0.113.0/24,UY,ASN1", "line 3: 'ASN1' is no AS number"),
        (b"203.0.113.0/24,UY,-1", "line 3: '-1' is no AS number"),
        (b"203.0.113.0/24,UY,1,netflix,2", "line 3: 5 columns"),
        (b"203.0.113.0/24,U\xff", "is no CSV file in UTF-8"),
    ],
)
def test_wrong_locations(tmp_path: Path, line: bytes, says: str) -> None:
    path = written(tmp_path / "locations.csv", b"prefix,country,asn\n192.0.2.0/24,UY\n" + line + b"\n")
    with pytest.raises(SettingsError) as caught:
        read_locations(path)
    assert str(caught.value).startswith(f"locations: {path}")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_locations_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory; correct `locations`"):
        read_locations(tmp_path / "no.csv")


def configured(directory: Path, lines: str) -> AddressTable:
    config = written(
        directory / "collector.toml",
        'collector = "uy-1"\noperator = "net"\neconomy = "UY"\nhome = ["203.0.113.0/24"]\n'
        f'state_directory = "state"\n{lines}\n[service]\nurl = "https://a.example"\ntoken_file = "token"\n',
    )
    return load_address_table(load_settings(config))


def test_everything_that_the_settings_name_is_in_the_table(tmp_path: Path) -> None:
    written(tmp_path / "own.csv", "203.0.113.64/26,UY,,netflix\n")
    written(tmp_path / "feed.csv", "198.51.100.0/24,BR,,,\n")
    written(tmp_path / "prefixes.csv", "prefix,asn\n198.51.100.0/24,64500\n")
    written(tmp_path / "second.csv", "200.160.2.0/24,AR\n")
    table = configured(
        tmp_path,
        'locations = "own.csv"\ngeofeeds = ["feed.csv"]\nasn_tables = ["prefixes.csv"]\n'
        'second_country_table = "second.csv"',
    )
    import numpy as np

    segments = table.segments4(np.array([0xCB007141, 0xC6336401, 0xC8A00203], np.uint32))
    assert [table.platforms[at] for at in table.platform[segments]] == ["netflix", "", ""]
    assert table.asn[segments].tolist() == [0, 64500, 22548]
    assert [int(at).to_bytes(2, "big") for at in table.country[segments]] == [b"UY", b"BR", b"ZZ"]
    assert table.rung[segments].tolist() == [0, 0, 4]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            'geofeeds = ["https://example.net/geofeed.csv"]',
            "geofeeds.0: https://example.net/geofeed.csv is an address",
        ),
        ('asn_tables = ["ftp://example.net/rib.gz"]', "asn_tables.0: ftp://example.net/rib.gz is an address"),
        (
            'second_country_table = "http://example.net/c.mmdb"',
            "second_country_table: http://example.net/c.mmdb is",
        ),
    ],
)
def test_nothing_is_fetched(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        configured(tmp_path, line)
    assert says in str(caught.value)
    assert str(caught.value).endswith("on the network; fetch it and give the file")


def test_a_platform_that_does_not_exist(tmp_path: Path) -> None:
    written(tmp_path / "own.csv", "203.0.113.64/26,UY,,netflicks\n")
    with pytest.raises(AddressError, match=r"entry 1 \(203\.0\.113\.64/26\): 'netflicks' is no platform"):
        configured(tmp_path, 'locations = "own.csv"')
