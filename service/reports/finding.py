"""What a month shows of a group in words, and how that is quoted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A sentence that stands by itself: it names what its number is of, and how much of the country that covers.

    `told` is false where the sentence only says why nothing can be said; `interval` is '' then. `indicator` and
    `dimension` name the value that the sentence is made of, '' and None where there is none.
    """

    group: str
    sentence: str
    interval: str = ""
    indicator: str = ""
    dimension: str | None = None
    told: bool = True


@dataclass(frozen=True)
class Quote:
    """What is copied to quote a finding: `text` holds all of the others but the cautions, which say what it does not mean."""

    text: str
    sentence: str
    interval: str
    coverage: str
    vintage: str
    address: str
    cautions: tuple[str, ...]
