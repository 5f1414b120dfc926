"""Taking addresses and names out of text that is to be sent to others."""

import ipaddress
import re
from collections.abc import Iterable, Mapping

_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'\"`]+")
_PATH = re.compile(r"(?<![\w.<])/(?:[\w.@+~-]+/)*[\w.@+~-]+")
_MAIL = re.compile(r"[\w.+-]+@[\w.-]+")
# At least two parts, of which the last begins with a letter: a name of DNS, or of a file.
_HOST = re.compile(r"(?<![\w.-])(?:[\w-]+\.)+[a-zA-Z][\w-]*")
# Four octets or more in hexadecimal digits, of a network card or whatever has an address.
_OCTETS = re.compile(r"(?<![\w:-])(?:[0-9a-fA-F]{2}[:-]){3,}[0-9a-fA-F]{2}(?![\w-]|:\w)")
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)")
_NETWORK_NUMBER = re.compile(r"\bAS ?\d+")
# What the program itself says and looks like the name of a host.
_OWN = re.compile(
    r"net\.(?:core|ipv4)\.\w+|service\.(?:url|token_file|ca_file|client_certificate|client_key)"
)


class Redaction:
    """Puts something else in the place of what must not be told.

    `words` are what the operator calls things (routers, the network, machines), with what stands for each; they are found
    as whole words in whatever case. Whatever looks like an address, a host, a URL, a path or an AS number goes as well.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {word.lower(): instead for word, instead in words.items() if word}
        longest_first = sorted(self._words, key=len, reverse=True)
        self._find = re.compile(rf"(?<![\w-])(?:{_any_of(longest_first)})(?![\w-])", re.IGNORECASE)

    def text(self, text: str) -> str:
        """Return text without addresses and names: `core-1 at 192.0.2.1` becomes `exporter-3f… at <address>`."""
        text = _URL.sub("<url>", text)
        text = _MAIL.sub("<mail>", text)
        if self._words:
            text = self._find.sub(lambda found: self._words[found[0].lower()], text)
        text = _OCTETS.sub("<address>", text)
        text = _ADDRESS.sub(lambda found: _instead_of_address(found[0]), text)
        text = _PATH.sub("<path>", text)
        text = _HOST.sub(lambda found: found[0] if _OWN.fullmatch(found[0]) else "<name>", text)
        return _NETWORK_NUMBER.sub("AS <number>", text)

    def values(self, value: object) -> object:
        """Return values that JSON has, every text in them redacted; the keys of objects stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.values(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.values(each) for each in value]
        return value


def _any_of(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, words)) or r"(?!)"


def _instead_of_address(text: str) -> str:
    """Return the text that replaces an address; text that only looks like an address stays."""
    if "." in text and ":" not in text:  # with zeros before its digits as well
        return "<address>"
    tail = text[len(text.rstrip(":.")) :]
    for candidate, after in ((text, ""), (text.rstrip(":."), tail)):
        try:
            ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return f"<address>{after}"
    return text
