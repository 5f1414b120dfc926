"""Building address tables: what can be read, what is refused, and that the bytes are the same each time."""

import hashlib
import json
from pathlib import Path

import maxminddb
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from caudal.reference import AddressError, RangeSource, attributions, build_addresses, read_sources
from caudal.reference.addresses.ranges import Ranges, read_clouds, read_ranges
from caudal.reference.addresses.sources import ADDRESSES
from caudal.reference.addresses.steps import Range


@pytest.fixture(scope="module")
def clouds() -> tuple[Ranges, RangeSource]:
    return read_clouds()


def written(directory: Path, name: str, text: str) -> RangeSource:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return RangeSource(path)


def test_ranges_are_read_as_numbers_addresses_or_prefixes(tmp_path: Path) -> None:
    numbers = written(tmp_path, "numbers.csv", '16777216,16777471,13335,"Cloudflare, Inc."\n')
    addresses = written(
        tmp_path, "addresses.csv", "start,end,asn\n1.0.0.0,1.0.0.255,AS13335\n2001:db8::,2001:db8::f,0\n"
    )
    prefixes = written(tmp_path, "prefixes.csv", "cidr,asn\n1.0.0.0/24,13335\n2001:db8::/124,\n")
    expected = Range(16777216, 16777471, "13335")
    for source in (numbers, addresses, prefixes):
        assert read_ranges(source, "asn")[4] == [expected]
    first = 0x20010DB8 << 96
    for source in (addresses, prefixes):
        assert read_ranges(source, "asn")[6] == [Range(first, first + 15, "")]


def test_whole_numbers_of_an_ipv6_file_are_ipv6(tmp_path: Path) -> None:
    source = written(tmp_path, "x-ipv6-num.csv", f"1,2,BR\n{1 << 100},{1 << 101},AR\n")
    assert read_ranges(source, "country") == {4: [], 6: [Range(1, 2, "BR"), Range(1 << 100, 1 << 101, "AR")]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "1.0.0.9,1.0.0.1,BR\n",
            r"bad\.csv, line 1: the range ends before it begins: 1\.0\.0\.9 to 1\.0\.0\.1",
        ),
        (
            "1.0.0.0,1.0.0.1,BR\n1.0.0.0,::1,BR\n",
            r"bad\.csv, line 2: the range begins with IPv4 and ends with IPv6",
        ),
        ("1.0.0.0,1.0.0.1,Brazil\n", "line 1: 'Brazil' is not an ISO 3166-1 alpha-2 code"),
        ("1.0.0.1/24,BR\n", r"line 1: 1\.0\.0\.1/24 has host bits set"),
        ("1.0.0.0/24\n", "line 1: the prefix has no value"),
        ("1.0.0.0,1.0.0.1\n", "line 1: a row is start,end,value or prefix,value"),
        ("1.0.0.0,one,BR\n", "line 1: 'one' does not appear to be an IPv4 or IPv6 address"),
        (f"0,{1 << 129},BR\n", "line 1: .* is larger than any address"),
        ('1.0.0.0,"1.0.0.1\n', "is not CSV in UTF-8"),
        ("start,end,country\n", "holds no address range"),
        ("", "holds no address range"),
    ],
)
def test_bad_ranges_are_refused_by_line_before_anything_is_written(
    tmp_path: Path, text: str, says: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(AddressError, match=says):
        build_addresses(out, country=written(tmp_path, "bad.csv", text))
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.csv", "is neither a file nor a directory"),
        (".", "holds no \\*-ipv4-num.csv"),
        ("bad.mmdb", "as MMDB"),
    ],
)
def test_a_source_that_is_none_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "bad.mmdb").write_bytes(b"no database")
    with pytest.raises(AddressError, match=says):
        read_ranges(RangeSource(tmp_path / name), "asn")


def test_nothing_to_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="nothing to build"):
        build_addresses(tmp_path, cloud=False)


def test_an_mmdb_of_systems_and_of_countries_is_read(tmp_path: Path) -> None:
    systems, countries = (
        MMDBWriter(6, "ASN", ipv4_compatible=True),
        MMDBWriter(6, "Country", ipv4_compatible=True),
    )
    systems.insert_network(IPSet(["1.0.0.0/24", "2001:db8::/32"]), {"autonomous_system_number": 13335})
    countries.insert_network(IPSet(["1.0.0.0/24"]), {"country": {"iso_code": "AU"}})
    countries.insert_network(IPSet(["2.0.0.0/24"]), {"registered_country": {"iso_code": "US"}})
    systems.to_db_file(str(tmp_path / "asn.mmdb"))
    countries.to_db_file(str(tmp_path / "country.mmdb"))
    with maxminddb.open_database(str(tmp_path / "asn.mmdb")) as reader:
        assert reader.get("1.0.0.1") == {"autonomous_system_number": 13335}
    found = read_ranges(RangeSource(tmp_path / "asn.mmdb"), "asn")
    assert found[4] == [Range(0x01000000, 0x010000FF, "13335")]
    assert found[6] == [Range(0x20010DB8 << 96, (0x20010DB9 << 96) - 1, "13335")]
    found = read_ranges(RangeSource(tmp_path / "country.mmdb"), "country")
    assert found == {4: [Range(0x01000000, 0x010000FF, "AU")], 6: []}


def test_what_was_repaired_is_reported(tmp_path: Path) -> None:
    source = written(
        tmp_path, "c.csv", "1.0.0.0/16,BR\n1.0.1.0/24,AR\n2.0.0.0/24,BR\n2.0.0.0/24,AR\n3.0.0.0/24,QX\n"
    )
    four, six = build_addresses(tmp_path / "out", country=source, cloud=False)
    assert (four.ranges, four.overlaps, four.contradictions, four.strangers) == (5, 1, 1, 1)
    assert str(four).startswith("country4: 5 ranges → 5 steps, ")
    assert str(four).endswith("; 1 overlapping, 1 contradictory, 1 of no known country")
    assert six.ranges == 0


def test_the_same_input_gives_the_same_bytes_and_keeps_other_tables(tmp_path: Path) -> None:
    asn = written(tmp_path, "asn.csv", "1.0.0.0/24,13335\n")
    country = written(tmp_path, "country.csv", "1.0.0.0/24,AU\n2001:db8::/32,BR\n")
    out = tmp_path / "out"
    build_addresses(out, asn=asn, country=country)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    build_addresses(out, country=country, cloud=False)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert set(read_sources(out)) == {
        f"{name}{version}" for name in ("asn", "country", "cloud") for version in (4, 6)
    }


def test_a_package_describes_itself(tmp_path: Path) -> None:
    package = {"name": "@ip-location-db/asn", "version": "2.3.2026061719", "license": "CC-BY-4.0"}
    (tmp_path / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (tmp_path / "asn-ipv4-num.csv").write_text("16777216,16777471,13335\n", encoding="utf-8")
    build_addresses(tmp_path / "out", asn=RangeSource(tmp_path), cloud=False)
    source = read_sources(tmp_path / "out")["asn4"]
    assert (source.package, source.version, source.data_date) == (
        "@ip-location-db/asn (npm)",
        "2.3.2026061719",
        "2026-06-17",
    )
    assert "DB-IP" in source.attribution
    assert source.attribution in attributions(tmp_path / "out")


def test_clouds_name_a_region_or_say_that_they_are_everywhere(clouds: tuple[Ranges, RangeSource]) -> None:
    found, source = clouds
    regions = {each.value for ranges in found.values() for each in ranges}
    assert {"aws/sa-east-1", "aws/GLOBAL", "cloudflare/all", "azure/AzureFrontDoor", "gcp/global"} <= regions
    assert all("/" in region and not region.endswith("/") for region in regions)
    assert source.licence == "MIT"


def test_every_region_of_the_cloud_table_is_a_fact(clouds: tuple[Ranges, RangeSource]) -> None:
    from caudal.reference import load_reference

    facts = load_reference().facts("cloud_regions")
    known = {f"{provider}/{region}" for provider, region in facts.select("provider", "region").iter_rows()}
    found, _ = clouds
    assert {each.value for ranges in found.values() for each in ranges} <= known


def test_the_tables_of_the_package_are_those_their_sources_describe() -> None:
    sources = read_sources()
    assert len(sources) == 6
    for name, source in sources.items():
        body = (ADDRESSES / f"{name}.parquet").read_bytes()
        assert hashlib.sha256(body).hexdigest() == source.sha256
        assert source.attribution
        assert source.data_date
    assert sum(path.stat().st_size for path in ADDRESSES.iterdir()) < 6_000_000


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    from caudal.reference import AddressTable

    source = written(tmp_path, "asn.csv", "1.0.0.0/24,13335\n")
    out = tmp_path / "out"
    with pytest.raises(
        AddressError, match=r"country4\.parquet: is no address table; run `caudal reference build`"
    ):
        AddressTable.load(directory=out)
    country = written(tmp_path, "country.csv", "1.0.0.0/24,AU\n")
    cloud = written(tmp_path, "cloud.csv", "2.0.0.0/24,aws/sa-east-1\n")
    build_addresses(out, asn=source, country=country, cloud=cloud)
    AddressTable.load(directory=out)
    (out / "asn4.parquet").write_bytes((out / "country4.parquet").read_bytes())
    with pytest.raises(AddressError, match=r"asn4\.parquet: the columns must be start uint32, asn uint32"):
        AddressTable.load(directory=out)
    (out / "asn4.parquet").write_bytes(b"PAR1")
    with pytest.raises(AddressError, match=r"asn4\.parquet: is no address table"):
        AddressTable.load(directory=out)
