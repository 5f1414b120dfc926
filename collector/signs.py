"""Signs that something is wrong with an exporter: every kind of them in one place, for whoever shows or counts them."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

from caudal.collector.decode.decoder import Decoder
from caudal.collector.disbelief import disbeliefs
from caudal.collector.pipeline import Pipeline

Name = Callable[[int], str]


@dataclass(frozen=True)
class Sign:
    """What was noticed of an exporter, under the name it has outside.

    `kind` is one lower-case word or several joined by `_`, the same for all exporters: it is a label of metrics. `sentence`
    says to whoever looks after routers what is wrong and what to do. `needs_attention` is false where nothing is to be
    done: it is only good to know.
    """

    exporter: str
    kind: str
    sentence: str
    needs_attention: bool

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Return what `plain` made values of."""
        return cls(**values)

    @property
    def plain(self) -> dict[str, Any]:
        """The sign as values that JSON has."""
        return asdict(self)


def _not_believed(decoder: Decoder, name: Name) -> Iterator[Sign]:
    for each in disbeliefs(decoder, name):
        for kind, sentence in each.by_kind.items():
            handled = kind == "rate" and each.takes_configured
            yield Sign(each.exporter, f"{kind}_not_believed", sentence, needs_attention=not handled)


# One function for each kind of sign. Those of the first tuple need the decoder only, so that `caudal inspect` has them too.
_OF_DECODER: tuple[Callable[[Decoder, Name], Iterator[Sign]], ...] = (_not_believed,)
_OF_PIPELINE: tuple[Callable[[Pipeline, Name], Iterator[Sign]], ...] = ()


def signs_of_decoding(decoder: Decoder, name: Name) -> Iterator[Sign]:
    """Yield what decoding noticed of exporters, under what `name` gives their numbers."""
    for of_kind in _OF_DECODER:
        yield from of_kind(decoder, name)


def signs(pipeline: Pipeline, name: Name) -> Iterator[Sign]:
    """Yield everything that was noticed of exporters, under what `name` gives their numbers."""
    yield from signs_of_decoding(pipeline.decoder, name)
    for of_kind in _OF_PIPELINE:
        yield from of_kind(pipeline, name)
