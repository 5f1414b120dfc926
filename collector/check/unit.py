"""The systemd unit that a collector runs in: as whom, with which capabilities, and which secrets it is handed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Where systemd looks for units, the first first. Source: systemd.unit(5).
PLACES = tuple(
    Path(place)
    for place in (
        "/etc/systemd/system",
        "/run/systemd/system",
        "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    )
)
_CREDENTIALS = Path("/run/credentials")
_CREDENTIAL_STORE = Path("/etc/credstore")


@dataclass(frozen=True)
class Unit:
    """A systemd unit by its name: the user it runs as ("" for root), whether systemd makes that user up, and its credentials.

    `credentials` are the files that systemd hands it, by the name of the credential; `state_directories` those that systemd
    makes for it below /var/lib.
    """

    name: str
    user: str = ""
    dynamic: bool = False
    credentials: dict[str, Path] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    state_directories: frozenset[str] = frozenset()

    @property
    def who(self) -> str:
        """As whom it runs, in words."""
        if self.dynamic:
            return f"a user that systemd makes up ({self.user or self.name.removesuffix('.service')})"
        return self.user or "root"

    def behind(self, path: Path, *, told: bool = True) -> Path | None:
        """Return the file that systemd shows to the unit at `path` (/run/credentials/…); None where it shows none there.

        Where no path was `told`, a collector takes the credential `token`, if there is one.
        """
        if not told and "token" in self.credentials:
            return self.credentials["token"]
        if path.parent == _CREDENTIALS / self.name or path.parent.name == "${CREDENTIALS_DIRECTORY}":
            return self.credentials.get(path.name)
        return None


def unit_of(config: Path, places: Sequence[Path] = PLACES) -> Unit | None:
    """Return the unit that starts a collector with this settings file, None if there is none that can be read."""
    for place in places:
        for path in sorted(place.glob("*.service")) if place.is_dir() else ():
            lines = list(_lines(path, places))
            if any(key == "ExecStart" and _names(value, config, path.stem) for key, value in lines):
                instance = config.stem if path.stem.endswith("@") else ""
                return _unit(path.name, [(key, _expanded(value, instance)) for key, value in lines])
    return None


def _expanded(value: str, instance: str) -> str:
    return value.replace("%i", instance).replace("%I", instance)


def _names(command: str, config: Path, stem: str) -> bool:
    words = command.split()
    instance = config.stem if stem.endswith("@") else ""
    return "collect" in words and any(
        _expanded(word.removeprefix("--config="), instance) == str(config) for word in words
    )


def _lines(path: Path, places: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield the settings of a unit, and of the files dropped in beside it, in order."""
    more = [file for place in places for file in sorted((place / f"{path.name}.d").glob("*.conf"))]
    for file in (path, *more):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.replace("\\\n", " ").splitlines():
            key, separator, value = line.partition("=")
            if separator and not line.lstrip().startswith(("#", ";")):
                yield key.strip(), value.strip()


def _unit(name: str, lines: Sequence[tuple[str, str]]) -> Unit:
    last = dict(lines)
    credentials: dict[str, Path] = {}
    for key, value in lines:
        if key == "LoadCredential" and value:
            credential, _, source = value.partition(":")
            credentials[credential] = Path(source) if source else _CREDENTIAL_STORE / credential
    return Unit(
        name,
        user=last.get("User", ""),
        dynamic=last.get("DynamicUser", "").lower() in ("yes", "true", "on", "1"),
        credentials=credentials,
        capabilities=frozenset(re.findall(r"CAP_\w+", last.get("AmbientCapabilities", ""))),
        state_directories=frozenset(last.get("StateDirectory", "").split()),
    )
