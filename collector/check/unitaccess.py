"""Files that the user of a systemd unit may read and write, found out by root."""

import grp
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from caudal.collector.check.unit import Unit
from caudal.collector.settings.settings import CollectorSettings

_READ, _ENTER, _WRITE = 4, 1, 2


def secrets(
    settings: CollectorSettings, unit: Unit, unusable: list[str], *, token_told: bool = True
) -> Iterator[str]:
    """Yield lines about secrets that root reads here and the unit would not; those that keep it from starting are unusable.

    `token_told` says whether the settings name a `token_file`.
    """
    token = settings.service.token_file
    behind = unit.behind(token, told=token_told)
    if behind is not None:
        if not behind.is_file():
            unusable.append(
                f"service.token_file: systemd is to hand {behind} to {unit.name}, and it is not there; write the token to it"
            )
    elif token.parts[:3] == ("/", "run", "credentials"):
        unusable.append(
            f"service.token_file: {unit.name} is not handed a credential that would be at {token}; add LoadCredential="
            f"{token.name}:/etc/caudal/collector.token to it"
        )
    elif token.exists() and not _may(unit, token, _READ):
        unusable.append(
            f"service.token_file: root may read {token}, and {unit.who}, as which {unit.name} runs, may not; add LoadCredential="
            f"token:{token} to the unit, and name /run/credentials/{unit.name}/token here"
        )
    for setting in ("ca_file", "client_certificate", "client_key"):
        path = getattr(settings.service, setting)
        if path is not None and path.exists() and unit.behind(path) is None and not _may(unit, path, _READ):
            yield f"service.{setting}: {unit.who}, as which {unit.name} runs, may not read {path}; chmod or chgrp it"


def may_write(unit: Unit, directory: Path) -> bool:
    """Return True if the unit may make files in a directory."""
    return _may(unit, directory, _WRITE)


def _may(unit: Unit, path: Path, how: int) -> bool:
    """Return True if the unit's user may read or write a file, by its mode and those of the directories above it."""
    if not unit.dynamic and unit.user in ("", "root"):
        return True
    user, groups = _who(unit)
    resolved = path.resolve()
    return all(_allows(place, user, groups, _ENTER) for place in resolved.parents) and _allows(
        resolved, user, groups, how
    )


def _who(unit: Unit) -> tuple[int, set[int]]:
    """Return the number of the unit's user, and those of its groups; -1 for one that there is not yet."""
    try:
        found = pwd.getpwnam(unit.user or unit.name.removesuffix(".service"))
    except KeyError:
        return -1, set()
    also = {group.gr_gid for group in grp.getgrall() if found.pw_name in group.gr_mem}
    return found.pw_uid, {found.pw_gid, *also}


def _allows(path: Path, user: int, groups: set[int], how: int) -> bool:
    try:
        about = path.stat()
    except OSError:
        return False
    mode = stat.S_IMODE(about.st_mode)
    if about.st_uid == user:
        return bool(mode >> 6 & how)
    return bool((mode >> 3 if about.st_gid in groups else mode) & how)
