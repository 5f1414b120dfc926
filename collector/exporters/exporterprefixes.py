"""Settings of exporters by address or prefix: the longest prefix that holds an address counts.

An interface that packets are captured from is an exporter as well, known by its name after INTERFACE.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

INTERFACE: Final = "interface "

Value = TypeVar("Value")


class ByPrefix(Generic[Value]):
    """Values by address (`192.0.2.1`), prefix (`192.0.2.0/24`, `2001:db8::/32`) or interface (`interface eth0`)."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, Value]] = {}
        self._by_interface = {name: value for name, value in values.items() if name.startswith(INTERFACE)}
        for prefix, value in values.items():
            if prefix in self._by_interface:
                continue
            network = ipaddress.ip_network(prefix)
            shift = network.max_prefixlen - network.prefixlen
            of_length = self._by_length.setdefault((network.version, shift), {})
            of_length[int(network.network_address) >> shift] = value
        self._shifts = {
            version: sorted(shift for other, shift in self._by_length if other == version)
            for version in (4, 6)
        }

    def get(self, address: str) -> Value | None:
        """Return the value of the longest prefix that holds the address; None for a text that is no address."""
        if address.startswith(INTERFACE):
            return self._by_interface.get(address)
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        number = int(parsed)
        for shift in self._shifts[parsed.version]:
            found = self._by_length[parsed.version, shift].get(number >> shift)
            if found is not None:
                return found
        return None
