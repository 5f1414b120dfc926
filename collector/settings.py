"""Settings of the collector: a TOML file, over it the environment (CAUDAL_COLLECTOR_*); tokens from files only."""

import csv
import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as _Unreadable

from caudal.collector.errors import SettingsError
from caudal.collector.home import HomeError, HomePrefixes

PREFIX = "CAUDAL_COLLECTOR_"

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


def _endpoint(text: object) -> str:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^:\[\]\s]+):(\d{1,5})", str(text))
    if not match or int(match[2]) > 65535:
        raise ValueError(f"{text!r} is no address and port; write it like 0.0.0.0:2055 or [::]:2055")
    return str(text)


ListenAddress = Annotated[str, BeforeValidator(_endpoint)]


def _address(text: object) -> str:
    try:
        return str(ipaddress.ip_address(str(text)))
    except ValueError as error:
        raise ValueError(f"{text!r} is no IP address; exporters are named by their address") from error


def _prefix(text: object) -> str:
    try:
        HomePrefixes([str(text)])
    except HomeError as error:
        raise ValueError(str(error)) from error
    return str(text)


class Service(BaseModel):
    """Where batches go. The token is the content of `token_file`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=r"^https?://[^/\s]+", description="where the service answers")
    token_file: Path = Field(description="holds the token by which the service knows this collector")
    ca_file: Path | None = Field(default=None, description="certificates to trust instead of the system's")


class Exporter(BaseModel):
    """What the operator knows of an exporter and it may not say itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Identifier | None = Field(
        default=None, description="its name in the ledger, instead of a pseudonym of its address"
    )
    sampling: float | None = Field(default=None, ge=1, description="one packet in so many is sampled")


class CollectorSettings(BaseSettings):
    """Everything the collector is told from outside. Keys that do not exist are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_nested_delimiter="__", hide_input_in_errors=True
    )

    collector: Identifier = Field(description="the id by which the service knows this collector")
    operator: Identifier = Field(description="the operator it belongs to")
    economy: CountryCode = Field(description="ISO 3166-1 alpha-2 code of the country it meters")
    home: tuple[Annotated[str, BeforeValidator(_prefix)], ...] = Field(
        min_length=1, description="prefixes of the operator's own subscribers and servers"
    )
    listen: tuple[ListenAddress, ...] = Field(
        default=("0.0.0.0:2055",), min_length=1, description="UDP addresses"
    )
    state_directory: Path = Field(description="holds the spool; addresses are never written to it")
    metrics_listen: ListenAddress | None = Field(default=None, description="Prometheus metrics over HTTP")
    window_seconds: int = Field(
        default=300, ge=10, le=3600, description="length of a window; an hour must be a whole number of them"
    )
    lateness_seconds: int = Field(
        default=60, ge=0, le=3600, description="a window closes when exporters' time passed its end by this"
    )
    idle_seconds: float = Field(default=30, gt=0, description="… or when nothing came for it for so long")
    k_anonymity: int = Field(default=5, ge=1, le=100, description="cells of fewer local hosts are folded")
    receive_buffer_bytes: int = Field(
        default=32 << 20, ge=1 << 16, description="asked of the kernel per socket"
    )
    drain_seconds: float = Field(
        default=30,
        ge=0,
        description="how long a collector told to stop goes on shipping; the rest stays in the spool",
    )
    synthetic: bool = Field(default=False, description="what is metered is made up; every output will say so")
    locations: Path | None = Field(default=None, description="the operator's own list: prefix,country[,asn]")
    reference_overlay: Path | None = Field(
        default=None, description="directory of rows that replace or add facts"
    )
    service: Service = Field(description="where batches go")
    exporters: dict[Annotated[str, BeforeValidator(_address)], Exporter] = Field(
        default={}, description="what is known of exporters, by their address"
    )

    @field_validator("window_seconds")
    @classmethod
    def _divides_an_hour(cls, seconds: int) -> int:
        if 3600 % seconds:
            raise ValueError(f"{seconds} s do not divide an hour; take 300, or another that does")
        return seconds


class _OverFile(CollectorSettings):
    """The same, with the environment over the values given (pydantic-settings has it the other way round)."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # it is called with keywords
        cls, settings_cls: type[BaseSettings], **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls
        return sources["env_settings"], sources["init_settings"]


def load_settings(path: Path) -> CollectorSettings:
    """Read and check a settings file; raise SettingsError in one line: file, key, what to do.

    Relative paths in it start at its directory. The environment goes over the file.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; give the settings file with --config") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
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
        raise SettingsError(f"{where}: {key}: {message}") from error
    except _Unreadable as error:
        raise SettingsError(f"environment: {error}; lists are written as JSON") from error


def _environment() -> set[str]:
    """Return the settings that the environment gives, by the names of variables up to the first `__`."""
    return {name.upper().split("__")[0] for name in os.environ if name.upper().startswith(PREFIX)}


def _absolute(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    service = values.get("service")
    for table in (values, service if isinstance(service, dict) else {}):
        for key in ("state_directory", "locations", "reference_overlay", "token_file", "ca_file"):
            if isinstance(table.get(key), str):
                table[key] = directory / table[key]
    return values


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


def read_locations(path: Path) -> list[tuple[str, str, int]]:
    """Return the operator's own list of (prefix, country, AS number or 0); raise SettingsError naming the line."""
    rows: list[tuple[str, str, int]] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file)
            for row in lines:
                if not row or row[0].startswith("#") or row[0] == "prefix":
                    continue
                rows.append(_location(path, lines.line_num, row))
    except OSError as error:
        raise SettingsError(
            f"locations: {path} cannot be read: {error.strerror}; correct `locations`"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"locations: {path} is no CSV file in UTF-8: {error}; save it as one") from error
    return rows


def _location(path: Path, number: int, row: list[str]) -> tuple[str, str, int]:
    try:
        prefix, country, asn = str(ipaddress.ip_network(row[0].strip())), row[1].strip(), row[2:3]
        if not re.fullmatch(r"[A-Z]{2}", country):
            raise ValueError(f"{country!r} is no two-letter country code")
        return prefix, country, int(asn[0].strip().removeprefix("AS")) if asn and asn[0].strip() else 0
    except IndexError:
        raise SettingsError(
            f"locations: {path}, line {number}: no country; write prefix,country[,asn]"
        ) from None
    except ValueError as error:
        raise SettingsError(
            f"locations: {path}, line {number}: {error}; write prefix,country[,asn]"
        ) from error
