"""Syllables of a word: by the rules of its spelling in Spanish and Portuguese, by a dictionary in English."""

import re
import unicodedata

import syllapy

_OPEN = {"es": "aeoáéó", "pt": "aeoáéóâêôàãõ"}
_STRESSED = "íú"
_CLOSED = "iuü"
# A u that is not heard, or is said with the vowel that follows: que, guerra; in Portuguese quanto and água too.
_JOINED = {"es": re.compile("(?<=[qg])u(?=[eiéí])"), "pt": re.compile("(?<=[qg])u(?=[aeiouáéíóâêôãõ])")}
# Portuguese: ãe, ão, õe are one syllable; i and u after a vowel stand apart before nh, and before l, m, n, r, z that
# end the syllable (ra-i-nha, ru-im, ju-iz); what ends a word whose stress is written before it is joined (his-tó-ria).
_NASAL = re.compile("(?<=ã)[eo]|(?<=õ)e")
_APART = re.compile("(?<=[aeou])([iu])(?=nh|[lmnrz]$|[lmnrz][bcdfgjkpqstvx])")
_ENDING = re.compile("(?<=[áéíóúâêô])([^aeiouáéíóúâêôãõ]+)[iu](?=[aeo]s?$)")

# English: the e of -ed and -es is not heard in deliver-ed and figur-es; it is in need-ed, chang-es and tabl-es.
_MUTE = re.compile(
    "(?<=[^aeiouytd])(?<![^aeiou]l)e(?=d$)|(?<=[^aeioucsgxz])(?<![^aeiou]l)(?<!ch)(?<!sh)e(?=s$)"
)


def syllables(word: str, language: str) -> int:
    """Return how many syllables a word has, 1 at least: "ciudadanía" has 5, "região" has 3, "jurisdiction" has 4."""
    word = unicodedata.normalize("NFC", word.lower())
    if language == "en":
        known = word in syllapy.WORD_DICT
        return max(int(syllapy.count(word if known else _MUTE.sub("", word))), 1)
    word = _JOINED[language].sub("", word)
    # A y is a vowel where none follows.
    word = re.sub("y(?![aeiouáéíóú])", "i", word)
    if language == "pt":
        word = _ENDING.sub(r"\1", _NASAL.sub("", word))
        word = unicodedata.normalize("NFC", _APART.sub("\\1\u0301", word))
    vowels = f"[{_OPEN[language]}{_STRESSED}{_CLOSED}]+"
    count = _in_spanish if language == "es" else _in_portuguese
    return max(sum(count(group) for group in re.findall(vowels, word)), 1)


def _in_spanish(vowels: str) -> int:
    """Return the syllables of vowels in a row: each open or stressed one has its own, closed ones join (cua, viu)."""
    return max(sum(each in _OPEN["es"] or each in _STRESSED for each in vowels), 1)


def _in_portuguese(vowels: str) -> int:
    """Return the syllables of vowels in a row: a closed one joins the vowel before it (sei, viu), not the one after."""
    count, joined = 0, True
    for each in vowels:
        joined = each in _CLOSED and not joined
        count += not joined
    return count
