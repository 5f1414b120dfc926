"""A finding, which is what a month shows of a group in words, and the text to quote it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A sentence that stands by itself: it names what its number is of, and how much of the country that covers.

    `told` is false where the sentence only says why nothing can be said; `interval` is '' then. `indicator`,
    `dimension` and `base` name the value that the sentence is made of and what that is of; '', None and '' where there
    is none. `more` are at most two further sentences of the group.
    """

    group: str
    sentence: str
    interval: str = ""
    indicator: str = ""
    dimension: str | None = None
    told: bool = True
    base: str = ""
    more: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join((self.sentence, *self.more))


@dataclass(frozen=True)
class Quote:
    """The text that is copied to quote a finding, and its parts: `text` holds all of the others but the cautions, which say what it does not mean."""

    text: str
    sentence: str
    interval: str
    coverage: str
    vintage: str
    address: str
    cautions: tuple[str, ...]
