"""AS numbers by the operator's own tables: CSV, and RIB dumps."""

import bz2
import gzip
import ipaddress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.reference import AddressError, AddressTable
from caudal.reference.addresses.layers import layer_of_prefixes
from caudal.reference.addresses.routes import read_asn_table, read_rib

from .mrt import AS_SEQUENCE, AS_SET, BGP4MP, peers, record, rib


def origins(path: Path) -> dict[str, int]:
    found: dict[object, object] = {}
    for version, table in read_rib(path).items():
        kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
        found |= {str(kind((key >> 8, key & 0xFF))): asn for key, asn in table.items()}
    return found


def dump(tmp_path: Path, *records: bytes, name: str = "rib.mrt") -> Path:
    path = tmp_path / name
    path.write_bytes(b"".join(records))
    return path


def test_the_origin_is_the_end_of_the_path(tmp_path: Path) -> None:
    path = dump(
        tmp_path,
        peers(),
        rib("203.0.113.0/24", [64500, 3356, 64496]),
        rib("198.51.100.128/25", [64500]),
        rib("2001:db8::/32", [64500, 4_200_000_001, 64497]),
    )
    assert origins(path) == {"203.0.113.0/24": 64496, "198.51.100.128/25": 64500, "2001:db8::/32": 64497}


def test_of_several_origins_that_of_most_routes_and_then_the_lowest(tmp_path: Path) -> None:
    path = dump(
        tmp_path,
        peers(),
        rib("203.0.113.0/24", [1, 30], [2, 20], [3, 20]),
        rib("198.51.100.0/24", [1, 30], [2, 20]),
        rib("192.0.2.0/24", [1, 20], [2, 30], [3, 20]),
    )
    assert origins(path) == {"203.0.113.0/24": 20, "198.51.100.0/24": 20, "192.0.2.0/24": 20}


def test_a_set_of_origins_and_an_own_route_name_nobody(tmp_path: Path) -> None:
    path = dump(
        tmp_path,
        peers(),
        rib("203.0.113.0/24", [(AS_SEQUENCE, [1, 2]), (AS_SET, [3, 4])]),
        rib("198.51.100.0/24", []),
        rib("192.0.2.0/24", [1, 2]),
    )
    assert origins(path) == {"203.0.113.0/24": 0, "198.51.100.0/24": 0, "192.0.2.0/24": 2}


@pytest.mark.parametrize(("name", "pack"), [("rib.gz", gzip.compress), ("rib.bz2", bz2.compress)])
def test_packed_dumps(tmp_path: Path, name: str, pack: object) -> None:
    path = tmp_path / name
    path.write_bytes(pack(peers() + rib("203.0.113.0/24", [1, 2])))  # type: ignore[operator]
    assert origins(path) == {"203.0.113.0/24": 2}


WHOLE = peers() + rib("203.0.113.0/24", [1, 2]) * 3


@pytest.mark.parametrize(
    "body",
    [
        WHOLE[:-1],
        WHOLE[:-20],
        WHOLE + b"\0" * 7,
        b"hello\n",
        bytes(range(256)) * 9,
        b"\x1f\x8b\x08broken",
        b"",
    ],
    ids=("cut", "cut-more", "more-behind", "text", "octets", "gzip", "empty"),
)
def test_what_is_no_whole_dump_is_refused(tmp_path: Path, body: bytes) -> None:
    path = dump(tmp_path, body, name="rib.gz" if body.startswith(b"\x1f\x8b") else "rib.mrt")
    with pytest.raises(AddressError) as caught:
        read_asn_table(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_updates_are_no_rib(tmp_path: Path) -> None:
    path = dump(tmp_path, peers(), record(BGP4MP, 0, b"\0" * 20))
    with pytest.raises(AddressError, match=r"is no MRT dump of a RIB|names no prefix"):
        read_asn_table(path)


def test_a_default_route_says_nothing(tmp_path: Path) -> None:
    path = dump(tmp_path, peers(), rib("0.0.0.0/0", [1]), rib("::/0", [1]))
    with pytest.raises(AddressError, match="names no prefix with an AS number"):
        read_asn_table(path)


def asns(table: AddressTable, *addresses: str) -> list[int]:
    numbers = np.array([int(ipaddress.ip_address(each)) for each in addresses], np.uint32)
    return table.asn[table.segments4(numbers)].tolist()  # type: ignore[no-any-return]


def test_own_tables_go_before_that_of_the_package_in_their_order(tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    first.write_text("prefix,asn\n8.8.0.0/16,AS64500\n8.8.8.0/24,0\n0.0.0.0/0,64499\n")
    second = dump(tmp_path, peers(), rib("8.0.0.0/8", [64501]), rib("8.8.8.0/24", [64502]))
    table = AddressTable.load(asn_tables=[first, second])
    # In 8.8.8.0/24 the first table says that it does not know, so the next one is asked.
    assert asns(table, "8.8.4.4", "8.8.8.8", "8.9.0.1", "200.160.2.3") == [64500, 64502, 64501, 22548]
    only_list = AddressTable.load([("8.8.4.0/24", "AR", 64510)], asn_tables=[first])
    assert asns(only_list, "8.8.4.4", "8.8.5.5") == [64510, 64500]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("prefix,asn\n8.8.8.8/16,1\n", "line 2: 8.8.8.8/16 has host bits set"),
        ("8.8.0.0/16,one\n", "line 1: 'one' is not an AS number"),
        ("8.8.0.0,8.8.0.2,1\n", "holds ranges that are no prefixes"),
        ("", "holds no address range"),
    ],
)
def test_a_wrong_csv_is_refused(tmp_path: Path, body: str, says: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(body)
    with pytest.raises(AddressError) as caught:
        read_asn_table(path)
    assert str(caught.value).startswith(str(path))
    assert says in str(caught.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="is no file; an AS table is a CSV of prefix,asn or an MRT dump"):
        read_asn_table(tmp_path / "no.csv")


PREFIX = st.integers(0, 32).flatmap(
    lambda length: st.tuples(
        st.integers(0, (1 << length) - 1).map(lambda at: at << 32 - length), st.just(length)
    )
)


@given(
    st.dictionaries(PREFIX, st.integers(0, 5), max_size=12),
    st.lists(st.integers(0, (1 << 32) - 1), max_size=8),
)
def test_the_longest_prefix_answers(prefixes: dict[tuple[int, int], int], addresses: list[int]) -> None:
    layer = layer_of_prefixes({start << 8 | length: asn for (start, length), asn in prefixes.items()}, 4)
    for start, length in prefixes:
        last = start + (1 << 32 - length) - 1
        addresses += [max(0, start - 1), start, last, min(last + 1, (1 << 32) - 1)]
    expected = []
    for address in addresses:
        holding = [
            (length, asn)
            for (start, length), asn in prefixes.items()
            if start <= address < start + (1 << 32 - length)
        ]
        expected.append(max(holding, default=(0, 0))[1])
    found = layer.codes[np.searchsorted(layer.low, np.array(addresses, np.uint64), "right") - 1]
    assert found.tolist() == expected
    assert (np.diff(layer.low.astype(np.int64)) > 0).all()
