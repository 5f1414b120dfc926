"""Single settings given on a command line, over those of a file or instead of them."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caudal.collector.exporters.plausibility import MOST_GBIT_PER_SECOND
from caudal.collector.packets.tunnelkinds import Tunnels, tunnels_of
from caudal.common.errors import SettingsError

if TYPE_CHECKING:
    from caudal.collector.settings.settings import CollectorSettings


@dataclass(frozen=True)
class Override:
    """Settings given on the command line: sampling rates by address or prefix of exporters, their precedence, and more.

    What is None or empty is not given. `capacity` is in Gbit/s, `template_wait` in seconds.
    """

    sampling: Mapping[str, float] = field(default_factory=dict)
    sampling_override: bool = False
    capacity: float | None = None
    tunnels: Tunnels | None = None
    allow: Sequence[str] = ()
    template_wait: float | None = None
    home: Sequence[str] = ()
    economy: str | None = None

    def over(self, settings: "CollectorSettings") -> "CollectorSettings":
        """Return settings with what is given in the place of theirs; raise SettingsError."""
        # Where there are no settings, the models of them need not be imported, which takes a while.
        from caudal.collector.settings.settings import Exporter  # noqa: PLC0415

        exporters = dict(settings.exporters)
        for address, rate in self.sampling.items():
            rates = {"sampling": rate, "sampling_override": self.sampling_override}
            exporters[address] = exporters.get(address, Exporter()).model_copy(update=rates)
        given = {
            "exporters": exporters,
            "capacity_gbit_per_second": self.capacity,
            "tunnels": self.tunnels,
            "allow": tuple(self.allow),
            "template_wait_seconds": self.template_wait,
            "home": tuple(self.home),
            "economy": self.economy,
        }
        return settings.model_copy(update={name: value for name, value in given.items() if value})


def tunnels_given(text: str | None) -> Tunnels | None:
    """Return the tunnels that an option names: outer, inner, or kinds with commas between them; raise SettingsError."""
    if text is None:
        return None
    try:
        return tunnels_of(text)
    except ValueError as error:
        raise SettingsError(f"--tunnels: {error}") from None


def rates_given(given: Sequence[str]) -> dict[str, float]:
    """Read rates written as ADDRESS=RATE; raise SettingsError."""
    rates: dict[str, float] = {}
    for text in given:
        address, separator, number = text.partition("=")
        try:
            network = ipaddress.ip_network(address.strip())
            rate = float(number.removeprefix("1:"))
        except ValueError:
            separator = ""
            rate = 0.0
        if not separator or not 1 <= rate <= 1 << 32:
            raise SettingsError(f"--sampling: {text!r} is no address and rate; write it like 192.0.2.1=1000")
        rates[str(network.network_address if network.num_addresses == 1 else network)] = rate
    return rates


def capacity_given(gbit_per_second: float | None) -> float:
    """Return the capacity of routers of which none is known, Gbit/s."""
    return gbit_per_second or MOST_GBIT_PER_SECOND
