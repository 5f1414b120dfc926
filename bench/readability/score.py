"""The formula of each language, from 0 (hard) to 100 (easy), and what a score is called there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bench.readability.syllables import syllables

# Numbers are left out: they are as long before as after, and no formula says how they are read.
_WORD = re.compile(r"[^\W\d_]+")
_END = re.compile(r"[.!?…]+(?=\s|$)")
# A full stop inside these ends no sentence.
_SHORT = re.compile(r"\b(art|etc|al|cf|p|ej|e\.g|i\.e|vs)\.(?=\s)", re.IGNORECASE)
FORMULAS = {
    "es": "INFLESZ (Szigriszt-Pazos 1993; scale of Barrio-Cantalejo 2008)",
    "pt": "Flesch adapted to Portuguese (Martins et al. 1996)",
    "en": "Flesch Reading Ease (1948)",
}
_BANDS = {
    "es": ((80, "muy fácil"), (65, "bastante fácil"), (55, "normal"), (40, "algo difícil"), (-1e9, "muy difícil")),
    "pt": ((75, "muito fácil"), (50, "fácil"), (25, "difícil"), (-1e9, "muito difícil")),
    "en": (
        (90, "very easy"),
        (80, "easy"),
        (70, "fairly easy"),
        (60, "standard"),
        (50, "fairly difficult"),
        (30, "difficult"),
        (-1e9, "very difficult"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """What a text has; texts add up."""

    sentences: int = 0
    words: int = 0
    syllables: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.sentences + other.sentences, self.words + other.words, self.syllables + other.syllables
        )

    @property
    def words_a_sentence(self) -> float:
        """Its words by sentence; 0 without any."""
        return self.words / self.sentences if self.sentences else 0.0


def counted(texts: Iterable[str], language: str) -> Counts:
    """Return the counts of texts: each is a sentence or several, whether or not it ends with a full stop."""
    total = Counts()
    for text in texts:
        for sentence in _END.split(_SHORT.sub(r"\1", text)):
            words = _WORD.findall(sentence)
            if words:
                total += Counts(1, len(words), sum(syllables(word, language) for word in words))
    return total


def score(counts: Counts, language: str) -> float:
    """Return the readability of a text by the formula of its language; ValueError without words."""
    if not counts.words:
        raise ValueError("a text without words has no readability: give one with words")
    length, weight = counts.words_a_sentence, counts.syllables / counts.words
    match language:
        case "es":
            return 206.835 - 62.3 * weight - length
        case "pt":
            return 248.835 - 84.6 * weight - 1.015 * length
        case "en":
            return 206.835 - 84.6 * weight - 1.015 * length
    raise ValueError(f"no formula is known for {language!r}; there are {', '.join(FORMULAS)}")


def band(value: float, language: str) -> str:
    """Return what a score is called on the scale of its formula, in its language."""
    return next(name for least, name in _BANDS[language] if value >= least)
