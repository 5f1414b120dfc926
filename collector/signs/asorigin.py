"""Signs of exporters whose AS numbers are not those of the networks where traffic comes from and goes to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caudal.collector.decode.decoder import Decoder
from caudal.common.counted import counted

if TYPE_CHECKING:
    # An inspection without settings has no pipeline, which takes a while to import.
    from caudal.collector.pipeline.pipeline import Pipeline

_FEWEST_RECORDS = 20  # fewer tell nothing of an exporter
_FEW = 4  # so many times fewer ASes than the tables know are neighbours


@dataclass(frozen=True)
class DefaultRoutes:
    """An exporter by the name it has outside, and how many records of it have the AS number of a default route."""

    exporter: str
    records: int

    @property
    def sentence(self) -> str:
        """The sentence for the operator: which AS number the router states, and which was taken instead."""
        return (
            f"{counted(self.records, 'record tells', 'records tell')} the AS number of a default route (prefix length 0), "
            "which is that of the transit provider: the tables' was taken. Nothing needs to be done; with a full routing table the router knows better."
        )


@dataclass(frozen=True)
class AsDisagreement:
    """An exporter by the name it has outside, of whose traffic the AS numbers are mostly not those that the tables know.

    `share` is of the bytes compared; `neighbours` says whether it names few ASes where the tables know many.
    """

    exporter: str
    share: float
    neighbours: bool

    @property
    def sentence(self) -> str:
        """The sentence for the operator: what is wrong, and what to do about it."""
        said = f"Its AS numbers are not those of the tables for {self.share:.0%} of its traffic"
        cure = 'set `as_from = "tables"` for this exporter'
        if self.neighbours:
            return f"{said}, and few: they are those of neighbours (peer-as). Configure origin-as at the router, or {cure}."
        return f"{said}. Look whether the router's routing table is complete, or {cure}; `asn_tables` takes tables of your own."


def default_routes(decoder: Decoder, name: Callable[[int], str]) -> Iterator[DefaultRoutes]:
    """Yield the exporters that stated AS numbers of default routes, under what `name` gives their numbers."""
    for each in decoder.plausibility.doubts():
        if each.networks:
            yield DefaultRoutes(name(each.exporter), each.networks)


def disagreements(pipeline: "Pipeline", name: Callable[[int], str]) -> Iterator[AsDisagreement]:
    """Yield the exporters whose AS numbers differ from the tables' for most of the traffic, unless the tables go first."""
    for each in pipeline.as_numbers.agreements():
        if (
            each.records >= _FEWEST_RECORDS
            and each.differing * 2 > each.octets
            and not pipeline.as_numbers.goes_by_tables(each.exporter)
        ):
            neighbours = each.stated * _FEW <= each.known
            yield AsDisagreement(name(each.exporter), each.differing / each.octets, neighbours)
