"""The list of domains: whose a name is. The longest suffix wins; content goes before carriage."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import idna
from publicsuffixlist import PSLFILE, PublicSuffixList

from caudal.collector.names.verdict import CARRIER, MOST_SERVICES, NOTHING, UNLISTED
from caudal.reference import Reference

_LONGEST_NAME = 253


@dataclass(frozen=True)
class Domain:
    """A row of the list of domains: a suffix, its platform, and what a name under the suffix says.

    A `carrier` row is a name of shared infrastructure, and does not say whose content it is; where names
    under it `embeds` that of the content's owner, the rest is looked up. A `registrable` row is one that a
    single party registered, wholly. A row of one host `alone` says nothing of names under it. An asterisk in the first
    label of a suffix stands for any letters, digits and hyphens: below a shared domain, hosts of one owner are often
    told by a part of that label.
    """

    suffix: str
    platform: str
    carrier: bool = False
    embeds: bool = False
    registrable: bool = False
    alone: bool = False


class DomainList:
    """Suffixes and their platforms; `services` are the platform ids by number, beginning with '' for none.

    A name says content unless its longest suffix is a carrier's, or is registrable and a public suffix lies
    between: below `s3.amazonaws.com` names belong to whoever took them, not to the owner of `amazonaws.com`.
    Public suffixes come with the package publicsuffixlist; nothing is fetched.
    """

    def __init__(self, domains: Iterable[Domain]) -> None:
        rows = list(domains)
        self.services: tuple[str, ...] = ("", *sorted({row.platform for row in rows}))
        if len(self.services) > MOST_SERVICES:
            raise ValueError(f"{len(self.services)} platforms; a verdict has room for {MOST_SERVICES}")
        number = {platform: at for at, platform in enumerate(self.services)}
        self._rows: dict[bytes, tuple[int, Domain]] = {}
        # Patterns of a first label, by the domain that they lie under.
        self._patterns: dict[bytes, list[tuple[re.Pattern[bytes], int, Domain]]] = {}
        for row in rows:
            suffix, verdict = (
                row.suffix.encode("ascii"),
                number[row.platform] | (CARRIER if row.carrier else 0),
            )
            first, _, rest = suffix.partition(b".")
            if b"*" in first:
                pattern = re.compile(re.escape(first).replace(rb"\*", b"[a-z0-9-]*"))
                self._patterns.setdefault(rest, []).append((pattern, verdict, row))
            else:
                self._rows[suffix] = (verdict, row)
        self._public = PublicSuffixList()
        self._divided = frozenset(self._rows.keys() & _above_public_suffixes())

    @classmethod
    def of(cls, reference: Reference) -> Self:
        """Return the list that is part of the reference."""
        return cls(
            Domain(
                str(row.values["suffix"]),
                str(row.values["platform_id"]),
                carrier=bool(row.values["carrier"]),
                embeds=bool(row.values["embeds"]),
                registrable=row.values["match"] == "registrable",
                alone=row.values["match"] == "host",
            )
            for row in reference.rows("platform_domains")
        )

    def verdict(self, name: bytes) -> int:
        """Return the verdict on a name as on the wire (ASCII; of any case, with or without the last dot)."""
        return self._verdict(name.lower().removesuffix(b"."), embedded=False)

    def verdict_of_text(self, name: str) -> int:
        """Return the verdict on a name as people write it, in whatever script; UNLISTED for a text that is no name."""
        try:
            return self.verdict(idna.encode(name, uts46=True))
        except idna.IDNAError:
            return UNLISTED

    def verdict_of_chain(self, names: Iterable[bytes]) -> int:
        """Return the verdict on a chain of aliases: the first owner of content, else the first carrier."""
        found = UNLISTED
        for name in names:
            verdict = self.verdict(name)
            if NOTHING < verdict < CARRIER:
                return verdict
            if found == UNLISTED:
                found = verdict
        return found

    def _verdict(self, name: bytes, *, embedded: bool) -> int:
        if len(name) > _LONGEST_NAME:
            return UNLISTED
        at = 0
        while (found := self._row(name, at)) is None:
            at = name.find(b".", at) + 1
            if at == 0:
                return UNLISTED
        verdict, row = found
        if (
            at
            and row.registrable
            and verdict < CARRIER
            and name[at:] in self._divided
            and self._is_tenant(name, row)
        ):
            return verdict | CARRIER
        if at and row.embeds and not embedded:
            inner = self._verdict(name[: at - 1], embedded=True)
            return inner if inner < CARRIER else verdict
        return verdict

    def _row(self, name: bytes, at: int) -> tuple[int, Domain] | None:
        """Return the row of the suffix that begins at a label of a name."""
        found = self._rows.get(name[at:])
        if found is not None:
            return None if at and found[1].alone else found
        first, _, rest = name[at:].partition(b".")
        for pattern, verdict, row in self._patterns.get(rest, ()):
            if pattern.fullmatch(first) and not (at and row.alone):
                return verdict, row
        return None

    def _is_tenant(self, name: bytes, row: Domain) -> bool:
        try:
            registrable = self._public.privatesuffix(name.decode("ascii"))
        except UnicodeDecodeError:
            return True
        return registrable is not None and len(registrable) > len(row.suffix)


def _above_public_suffixes() -> set[bytes]:
    """Return every domain that is a public suffix or has one below it."""
    found: set[bytes] = set()
    for line in Path(PSLFILE).read_bytes().splitlines():
        rule = line.split(b" ")[0].removeprefix(b"!").removeprefix(b"*.")
        while rule and not rule.startswith(b"//") and rule not in found:
            found.add(rule)
            rule = rule.partition(b".")[2]
    return found
