"""Exporters whose clocks are wrong, in words of whoever looks after routers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caudal.collector.decode.decoder import Decoder

WRONG_MS = 60_000
_UNITS = (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True)
class WrongClock:
    """An exporter by the name it has outside, and how far its clock is ahead (behind, where negative), in milliseconds."""

    exporter: str
    ahead_ms: int

    @property
    def sentence(self) -> str:
        """The sentence for the operator: what is wrong with the clock, and what to do about it."""
        where = "ahead of" if self.ahead_ms > 0 else "behind"
        return (
            f"Its clock is {span(abs(self.ahead_ms) / 1000)} {where} the time at which its datagrams came: set the router's "
            "clock (NTP), or that of this machine if all routers are off alike."
        )


def wrong_clocks(decoder: Decoder, name: Callable[[int], str]) -> Iterator[WrongClock]:
    """Yield the exporters whose clocks are off by more than a minute, under what `name` gives their numbers."""
    for number, clock in decoder.heard.off_by(WRONG_MS):
        yield WrongClock(name(number), clock.median_ms)


def span(seconds: float) -> str:
    """Return a length of time in the largest unit of which there are two: `2 minutes`, `90 seconds`."""
    for unit, length in _UNITS:
        if seconds >= 2 * length or length == 1:
            return f"{seconds / length:,.0f} {unit}"
    raise AssertionError
