"""Reading settings: a TOML file, over it the environment (CAUDAL_COLLECTOR_*); tokens from files of their own."""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError as _Unreadable

from caudal.collector.settings.settings import PREFIX, CollectorSettings
from caudal.common.errors import SettingsError
from caudal.common.tomlsettings import EnvironmentFirst, read_toml, unreadable_variable


class _OverFile(EnvironmentFirst, CollectorSettings):
    """The collector's settings, with the environment over those of a file."""


def load_settings(path: Path) -> CollectorSettings:
    """Read and check a settings file; raise SettingsError in one line: file, key, what to do.

    Relative paths in it start at its directory. The environment goes over the file.
    """
    values = read_toml(path)
    service = values.get("service")
    if isinstance(service, dict):
        service.setdefault("token_file", str(_own_token(path.resolve())))
    known = {PREFIX + name.upper() for name in CollectorSettings.model_fields}
    for name in sorted(_environment() - known):
        raise SettingsError(f"environment: {name} is no setting; there are {', '.join(sorted(known))}")
    try:
        return _OverFile(**_absolute(values, path.resolve().parent))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = "is no setting; remove it or correct its name"
        elif first["type"] == "missing":
            message = "is missing; add it (see docs/deploy.md for an example)"
        where = "environment" if PREFIX + key.split(".")[0].upper() in _environment() else path
        raise SettingsError(": ".join(part for part in (str(where), key, message) if part)) from error
    except _Unreadable as error:
        raise unreadable_variable(error) from error


def tells_token(path: Path) -> bool:
    """Return True if a readable settings file, or the environment, names a `token_file`."""
    service = read_toml(path).get("service", {})
    return "token_file" in service or f"{PREFIX}SERVICE__TOKEN_FILE" in map(str.upper, os.environ)


def _own_token(settings: Path) -> Path:
    """Return the path of the token where the settings name none: handed over by systemd, else beside the settings.

    Systemd reads the same file as root (LoadCredential=), so that a command run by hand as root finds it, too.
    """
    handed = os.environ.get("CREDENTIALS_DIRECTORY")
    if handed and (token := Path(handed) / "token").is_file():
        return token
    return settings.with_suffix(".token")


def _environment() -> set[str]:
    """Return the settings that the environment gives, by the names of variables up to the first `__`."""
    return {name.upper().split("__")[0] for name in os.environ if name.upper().startswith(PREFIX)}


def _absolute(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    service = values.get("service")
    for table in (values, service if isinstance(service, dict) else {}):
        for key in (
            "state_directory",
            "locations",
            "second_country_table",
            "reference_overlay",
            "token_file",
            "ca_file",
            "client_certificate",
            "client_key",
        ):
            if isinstance(table.get(key), str):
                table[key] = _beside(directory, table[key])
    for key in ("geofeeds", "asn_tables"):
        if isinstance(values.get(key), list):
            values[key] = [_beside(directory, name) for name in values[key]]
    return values


def _beside(directory: Path, name: object) -> object:
    return directory / name if isinstance(name, str) and "://" not in name else name


def read_token(path: Path) -> str:
    """Return the bearer token in a file; raise SettingsError if there is none."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(
            f"service.token_file: {path} cannot be read: {reason}; write the token there"
        ) from error
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token):
        raise SettingsError(
            f"service.token_file: {path} holds no usable token; the regulator gives one to each collector"
        )
    return token
