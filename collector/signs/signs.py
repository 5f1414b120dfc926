"""Signs that something is wrong with an exporter: every kind of them in one place, for whoever shows or counts them."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from caudal.collector.decode.decoder import Decoder
from caudal.collector.exporters.ledger import COUNT
from caudal.collector.signs.asorigin import default_routes, disagreements
from caudal.collector.signs.clockoffset import wrong_clocks
from caudal.collector.signs.disbelief import disbeliefs
from caudal.collector.signs.exportmanner import export_manners
from caudal.collector.signs.repetition import NEED_ATTENTION, repetitions
from caudal.collector.signs.uncounted import uncounted

if TYPE_CHECKING:
    # An inspection without settings has no pipeline, which takes a while to import.
    from caudal.collector.pipeline.pipeline import Pipeline

Name = Callable[[int], str]


@dataclass(frozen=True)
class Sign:
    """A sign that something about an exporter deserves a look, under the exporter's name outside.

    `kind` is one lower-case word or several joined by `_`, the same for all exporters: it is a label of metrics. `sentence`
    says to whoever looks after routers what is wrong and what to do. `needs_attention` is false where nothing is to be
    done: it is only good to know. `count` names the count of the ledger that grows for as long as it lasts: where that
    stood still for minutes, it is over. Left out, the sign is there for as long as it lasts and no longer.
    """

    exporter: str
    kind: str
    sentence: str
    needs_attention: bool
    count: str = ""

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Return the sign that `plain` made these values of."""
        return cls(**values)

    @property
    def plain(self) -> dict[str, Any]:
        """The sign as values that JSON has."""
        return asdict(self)


_COUNTED_AS = {"rate": "rate_implausible", "counts": "counts_implausible", "times": "time_implausible"}


def _not_believed(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in disbeliefs(decoder, name):
        for kind, sentence in each.by_kind.items():
            handled = kind == "rate" and each.takes_configured
            yield Sign(each.exporter, f"{kind}_not_believed", sentence, not handled, _COUNTED_AS[kind])


def _clock_off(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in wrong_clocks(decoder, name):
        yield Sign(each.exporter, "clock_off", each.sentence, needs_attention=True)


def _uncounted(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in uncounted(decoder, name):
        for kind, sentence in each.by_kind.items():
            count = kind if kind in COUNT else ""
            yield Sign(each.exporter, kind, sentence, kind in each.urgent, count)


def _unusual(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in export_manners(decoder, name):
        for kind, sentence in each.by_kind.items():
            yield Sign(each.exporter, kind, sentence, needs_attention=kind in each.needs_attention)


def _told_again(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in repetitions(decoder, name):
        for kind, sentence in each.by_kind.items():
            yield Sign(each.exporter, kind, sentence, needs_attention=kind in NEED_ATTENTION)


def _default_routes(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in default_routes(decoder, name):
        yield Sign(each.exporter, "as_by_default_route", each.sentence, needs_attention=False)


def _as_disagrees(pipeline: "Pipeline", name: Name) -> Iterator[Sign]:
    for each in disagreements(pipeline, name):
        yield Sign(each.exporter, "as_disagrees", each.sentence, needs_attention=True)


# One function for each kind of sign. Those of the first tuple need the decoder only, so that `caudal inspect` has them too.
_OF_DECODER: tuple[Callable[[Decoder, Name], Iterator[Sign]], ...] = (
    _not_believed,
    _told_again,
    _clock_off,
    _uncounted,
    _unusual,
    _default_routes,
)
_OF_PIPELINE: tuple[Callable[["Pipeline", Name], Iterator[Sign]], ...] = (_as_disagrees,)


_MOST_OF_A_KIND = 4096  # sources of UDP can be forged, and each sign is a sentence


def signs_of_decoding(decoder: Decoder, name: Name) -> Iterator[Sign]:
    """Yield the signs that decoding noticed of exporters, under their names; of very many those known first."""
    for of_kind in _OF_DECODER:
        yield from islice(of_kind(decoder, name), _MOST_OF_A_KIND)


def signs(pipeline: "Pipeline", name: Name) -> Iterator[Sign]:
    """Yield everything that was noticed of exporters, under what `name` gives their numbers."""
    yield from signs_of_decoding(pipeline.decoder, name)
    for of_kind in _OF_PIPELINE:
        yield from islice(of_kind(pipeline, name), _MOST_OF_A_KIND)
