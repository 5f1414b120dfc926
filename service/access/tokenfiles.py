"""Tokens that stand in files, or in the environment: of collectors, of the publisher, of the administrator.

A file holds one token, or two on lines of their own while one takes the place of the other. Files are looked at
when a token is asked about, at most once a second, and read anew when they changed.
"""

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from caudal.common.errors import SettingsError
from caudal.service.access.keys import digest_of
from caudal.service.roles.actor import Actor
from caudal.service.roles.roles import Role
from caudal.service.settings.settings import ServiceSettings

LETTERS_LEAST = 16
_DIFFERENT_LEAST = 8
_BYTES_MOST = 4096
_SECONDS_BETWEEN_LOOKS = 1.0
_LETTERS = re.compile(r"[A-Za-z0-9._~+/=-]+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """A place where tokens of somebody stand: `named` says so in messages; without a file in a variable."""

    actor: Actor
    named: str
    file: Path | None
    variable: str = ""


@dataclass(frozen=True)
class _Look:
    """The state of a file when it was looked at: None in `state` where there was none."""

    state: tuple[int, ...] | None


class TokenFiles:
    """Knows whose a token is, by its SHA-256; safe to use from several threads.

    `given` are tokens that the process makes for itself, by role.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        given: Mapping[Role, str] | None = None,
        environment: Mapping[str, str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources(settings)
        self._given = {
            digest_of(token): Actor(role, str(role), credential=f"own token of the {role}")
            for role, token in (given or {}).items()
        }
        self._environment = os.environ if environment is None else environment
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked = monotonic()
        self._looks: dict[Source, _Look] = {}
        self._digests: dict[Source, tuple[str, ...]] = {}
        self._actors: dict[str, Actor] = self._given

    def read(self) -> None:
        """Read every token; raise SettingsError where one is missing, weak, seen by others, or another's."""
        with self._lock:
            looks, digests = {}, {}
            for source in self._sources:
                looks[source] = _look(source.file)
                digests[source] = tuple(digest_of(token) for token in self._tokens(source))
                _refuse_shared(source, digests)
            self._looks, self._digests = looks, digests
            self._index()

    def actor(self, digest: str) -> Actor | None:
        """Return the actor whose token has this SHA-256, hex; None where the token is nobody's."""
        now = self._monotonic()
        if now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = now
            self.look()
        return self._actors.get(digest)

    def look(self, *, again: bool = False) -> None:
        """Read the files that changed, or all; one that cannot be used leaves the tokens of before in force."""
        with self._lock:
            for source in self._sources:
                # What comes through a pipe is read once, at the start: nobody writes to it any more.
                if source.file is None or source.file.is_fifo():
                    continue
                look = _look(source.file)
                if look == self._looks.get(source) and not again:
                    continue
                self._looks[source] = look
                if look.state is None:
                    if self._digests.pop(source, ()):
                        _log.warning("%s was removed; its tokens are no longer valid", source.named)
                    continue
                try:
                    found = {
                        **self._digests,
                        source: tuple(digest_of(token) for token in self._tokens(source)),
                    }
                    _refuse_shared(source, found)
                except SettingsError as error:
                    _log.error("%s; the tokens of before stay valid", error)
                    continue
                if found[source] != self._digests.get(source):
                    _log.info("%s was read anew", source.named)
                self._digests = found
            self._index()

    def _index(self) -> None:
        self._actors = {
            **self._given,
            **{digest: source.actor for source, digests in self._digests.items() for digest in digests},
        }

    def _tokens(self, source: Source) -> list[str]:
        if source.file is not None:
            return read_tokens(source.file, source.named)
        return _checked(self._environment.get(source.variable, ""), source.named)


def sources(settings: ServiceSettings) -> tuple[Source, ...]:
    """Return the places where the tokens of these settings stand."""
    found = []
    for collector in settings.collectors:
        actor = Actor(
            Role.collector,
            collector.id,
            operators=frozenset({collector.operator}),
            credential=f"token of {collector.id}",
        )
        place = (
            f"token_file {collector.token_file}"
            if collector.token_file is not None
            else collector.token_variable
        )
        found.append(
            Source(
                actor,
                f"collectors: {place} of {collector.id}",
                collector.token_file,
                collector.token_variable,
            )
        )
    for role, name in ((Role.publisher, "publisher_token_file"), (Role.admin, "admin_token_file")):
        file = getattr(settings, name)
        if file is not None:
            found.append(Source(Actor(role, str(role), credential=name), f"{name}: {file}", file))
    return tuple(found)


def read_tokens(file: Path, named: str) -> list[str]:
    """Return the tokens of a file, one or two; raise SettingsError where it cannot be used."""
    return _checked(read_private(file, named), named)


def read_private(file: Path, named: str) -> str:
    """Return the text of a file that others can neither read nor write; raise SettingsError."""
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & stat.S_IRWXO:
                raise SettingsError(
                    f"{named} may be read or written by everybody on this machine; run: chmod o-rwx {file}"
                )
            return opened.read(_BYTES_MOST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SettingsError(
            f"{named} cannot be read: {reason}; write the token there, readable by the service only"
        ) from error


def _checked(text: str, named: str) -> list[str]:
    tokens = [line.strip() for line in text.splitlines() if line.strip()]
    if not 1 <= len(tokens) <= 2:
        raise SettingsError(
            f"{named} holds {'more than two tokens' if tokens else 'no usable token: none at all'}; put one there, "
            "or two on lines of their own while one takes the place of the other"
        )
    for token in tokens:
        if len(token) < LETTERS_LEAST or not _LETTERS.fullmatch(token):
            raise SettingsError(
                f"{named} holds no usable token; put at least {LETTERS_LEAST} letters and digits there, for "
                "instance from: openssl rand -hex 32"
            )
        if len(set(token)) < _DIFFERENT_LEAST:
            raise SettingsError(
                f"{named} holds no usable token: it has fewer than {_DIFFERENT_LEAST} different letters; take one "
                "from: openssl rand -hex 32"
            )
    return tokens


def _refuse_shared(source: Source, digests: Mapping[Source, tuple[str, ...]]) -> None:
    """Raise SettingsError if a source has a token twice, or one of another source."""
    own = digests[source]
    if len(set(own)) < len(own):
        raise SettingsError(
            f"{source.named} holds the same token twice; put two different ones there, or one"
        )
    for other, theirs in digests.items():
        if other is not source and set(own) & set(theirs):
            raise SettingsError(
                f"{source.named} holds the token of another ({other.named}); give each its own"
            )


def _look(file: Path | None) -> _Look:
    if file is None:
        return _Look(None)
    try:
        found = file.stat()
    except FileNotFoundError:
        return _Look(None)
    except OSError as error:
        return _Look((error.errno or 0,))
    return _Look((found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode))
