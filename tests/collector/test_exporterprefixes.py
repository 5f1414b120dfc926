"""What is said of exporters by prefix."""

from caudal.collector.exporters.exporterprefixes import ByPrefix


def test_the_longest_prefix_counts() -> None:
    values = ByPrefix({"192.0.2.0/24": 1, "192.0.2.128/25": 2, "192.0.2.129": 3, "0.0.0.0/0": 4})
    found = [values.get(a) for a in ("192.0.2.1", "192.0.2.128", "192.0.2.129", "198.51.100.1")]
    assert found == [1, 2, 3, 4]


def test_versions_are_apart() -> None:
    values = ByPrefix({"::/0": 6, "2001:db8::/32": 7})
    found = [values.get(a) for a in ("2001:db8::1", "2001:db9::1", "192.0.2.1", "")]
    assert found == [7, 6, None, None]


def test_nothing_is_said_of_anybody() -> None:
    assert ByPrefix[int]({}).get("192.0.2.1") is None
