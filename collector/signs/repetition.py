"""Signs of exporters that tell again what they told before: one line each, in words of whoever looks after routers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from caudal.collector.decode.decoder import Decoder
from caudal.common.counted import counted

# Kinds of what is said where something may be counted twice.
NEED_ATTENTION: Final = frozenset({"totals_of_unknown_flows", "flows_forgotten"})


@dataclass(frozen=True)
class Repetition:
    """An exporter by the name it has outside, and what its records did that tell totals of flows.

    `more` told something new beside what was told before, `nothing` did not; `fell` told less than before; `no_flow` have
    nothing to know a flow again by; `given_up` flows and `no_room` records had to be left for want of room. `begins_anew`
    says whether all it tells is taken as new.
    """

    exporter: str
    more: int
    nothing: int
    fell: int
    no_flow: int
    given_up: int
    no_room: int
    begins_anew: bool

    @property
    def sentences(self) -> list[str]:
        """The sentences for the operator, one or two for each kind, those that need somebody first."""
        return list(self.by_kind.values())

    @property
    def by_kind(self) -> dict[str, str]:
        """The sentences for the operator by kind, those of NEED_ATTENTION first; kinds are equal for all exporters."""
        said = {}
        if self.no_flow:
            said["totals_of_unknown_flows"] = (
                f"{counted(self.no_flow, 'record tells', 'records tell')} totals of flows without "
                "when they started or which they are: a flow that is told more than once counts more than once. Have it export deltas (1, 2), or the flow's start as well."
            )
        if self.given_up or self.no_room:
            said["flows_forgotten"] = (
                f"It has more open flows than are remembered ({self.given_up:,} forgotten, {counted(self.no_room, 'record')} without "
                "room): their totals may count twice. Have it export deltas (1, 2)."
            )
        if self.begins_anew:
            said["totals_begin_anew"] = "Its totals begin anew at each export: each record counts whole."
        elif self.more or self.nothing:
            said["totals_told_again"] = (
                f"It tells what it told before: {counted(self.more, 'record counts', 'records count')} only by what "
                f"is new, and {self.nothing:,} held nothing new. Nothing is to be done."
            )
        elif self.fell:
            said["totals_begin_anew"] = (
                f"{self.fell:,} of its totals were less than before: those flows begin anew, and count whole."
            )
        return said


def repetitions(decoder: Decoder, name: Callable[[int], str]) -> Iterator[Repetition]:
    """Yield the exporters that tell totals again or cannot be followed, under what `name` gives their numbers."""
    for each in decoder.told.tellings():
        yield Repetition(
            name(each.exporter),
            more=each.more,
            nothing=each.nothing,
            fell=each.fell,
            no_flow=each.no_flow,
            given_up=each.given_up,
            no_room=each.no_room,
            begins_anew=each.begins_anew,
        )
