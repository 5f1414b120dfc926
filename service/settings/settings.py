"""Settings of the service: a TOML file, over it the environment (CAUDAL_SERVICE_*); tokens from files only."""

import os
import re
from collections.abc import Mapping
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from caudal.common.daemonlog import LogFormat, LogLevel
from caudal.common.errors import SettingsError
from caudal.common.tomlsettings import EnvironmentFirst, read_toml, unreadable_variable
from caudal.common.vocabulary import IDENTIFIER
from caudal.service.roles.roles import Role
from caudal.service.roles.scope import scope_fault
from caudal.service.settings.doorsettings import DoorSettings, Network
from caudal.service.settings.intakelimits import Admission, Quotas

PREFIX = "CAUDAL_SERVICE_"
TOKEN_PREFIX = f"{PREFIX}TOKEN_"

# Where traffic that is not encrypted goes no further than this machine.
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class SubscriberCount(BaseModel):
    """The number of people that an operator served on a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    count: int = Field(ge=0)


AsNumber = Annotated[int, Field(ge=1, le=4_294_967_294)]


class DatedAsNumber(BaseModel):
    """An AS number that was an operator's from one day to another, both included; without them from ever or still."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asn: AsNumber
    since: date = date.min
    until: date = date.max

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until < self.since:
            raise ValueError(
                f"AS{self.asn} is declared until {self.until}, before {self.since}; correct a date"
            )
        return self


def _dated(value: object) -> object:
    return {"asn": value} if isinstance(value, int) else value


class Operator(BaseModel):
    """A network operator whose collectors report.

    Coverage is computed from `subscribers`: people who use the network, not lines. For fixed access that is
    lines times people per household. `subscriber_counts` is the same as a history, one count a date; a month
    goes by the newest count that is not later than its last day, or by the first where all are later.
    `asns` are the AS numbers of its networks in this economy, each a number or one with dates. What another operator
    exchanges with these stays in the country, and is metered at both ends.
    `capacity_gbit_per_second` is what all its links together could carry, both directions added up: a batch that
    would make it more waits for review.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identifier
    name: str = Field(min_length=1, max_length=200)
    economy: CountryCode
    subscribers: int | None = Field(default=None, ge=0)
    subscribers_as_of: date | None = None
    subscriber_counts: tuple[SubscriberCount, ...] = ()
    capacity_gbit_per_second: float | None = Field(default=None, gt=0, le=10_000_000)
    asns: tuple[Annotated[DatedAsNumber, BeforeValidator(_dated)], ...] = Field(default=(), max_length=500)

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if (self.subscribers is None) != (self.subscribers_as_of is None):
            raise ValueError("give subscribers and subscribers_as_of together, or neither")
        days = [each.as_of for each in self.history]
        twice = sorted({day.isoformat() for day in days if days.count(day) > 1})
        if twice:
            raise ValueError(f"subscribers are given twice for {', '.join(twice)}; a date has one count")
        return self

    @property
    def history(self) -> tuple[SubscriberCount, ...]:
        """Every declared count, oldest first."""
        counts = list(self.subscriber_counts)
        if self.subscribers is not None and self.subscribers_as_of is not None:
            counts.append(SubscriberCount(as_of=self.subscribers_as_of, count=self.subscribers))
        return tuple(sorted(counts, key=lambda each: each.as_of))

    def asns_on(self, day: date) -> tuple[int, ...]:
        """Return the AS numbers that are its own on a day, in order, each once."""
        return tuple(sorted({each.asn for each in self.asns if each.since <= day <= each.until}))

    def declared(self, last_day: date) -> SubscriberCount | None:
        """Return the count that a month goes by whose last day this is; None where none was declared."""
        history = self.history
        earlier = [each for each in history if each.as_of <= last_day]
        return earlier[-1] if earlier else (history[0] if history else None)


class CollectorEntry(BaseModel):
    """A collector that may send batches for an operator.

    Its bearer token is the content of `token_file`, or without one the environment variable
    CAUDAL_SERVICE_TOKEN_<id>, in capitals and with underscores. `quotas` are its own, instead of everybody's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identifier
    operator: Identifier
    token_file: Path | None = None
    quotas: Quotas | None = None

    @property
    def token_variable(self) -> str:
        """The environment variable that holds the token where there is no file."""
        return TOKEN_PREFIX + re.sub(r"[^A-Z0-9]", "_", self.id.upper())


class PublicationSettings(BaseModel):
    """When a month is published: on which day and hour (UTC) of the month after it.

    What was missed while the service did not run is caught up when it starts, of so many months back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    day: int = Field(default=10, ge=1, le=28)
    hour: int = Field(default=3, ge=0, le=23)
    catch_up_months: int = Field(default=12, ge=1, le=1200)


class ConfidentialitySettings(BaseModel):
    """Which totals may be published: contributed to by so many operators, the largest not told to within percent.

    Percent also says how far the traffic of each operator is moved by a secret factor before anything is told of it.
    1 and 0 publish everything as it was metered. Made-up traffic is never withheld or moved. Months that are not
    published yet are told to roles only, unless `running_months` is "public".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_operators: int = Field(default=3, ge=1, le=100)
    percent: float = Field(default=10.0, ge=0, le=50)
    running_months: Literal["roles", "public"] = "roles"


class Storage(BaseModel):
    """Storage of an embedded store: how much of the disk stays free; what would leave less is refused with 507."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reserve_mebibytes: int = Field(default=512, ge=0, le=1 << 20)


class Licence(BaseModel):
    """Under which terms what is exported may be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="CC-BY-4.0", min_length=1, max_length=200)
    url: str = Field(default="https://creativecommons.org/licenses/by/4.0/", max_length=500)
    holder: str = Field(default="", max_length=200, description="whom to name as the source")


class OpenIdConnect(BaseModel):
    """The provider by which people log in; `public_url` of the service must be set as well.

    The redirect URI to register there is `<public_url>/auth/callback`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(pattern=r"^https?://[^\s<>\"?#]+$", max_length=500)
    client_id: str = Field(min_length=1, max_length=200)
    client_secret_file: Path | None = Field(
        default=None, description="without it a public client, by PKCE alone"
    )
    scopes: str = Field(default="openid email profile", pattern=r"^openid( [!-~]+)*$")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.issuer.startswith("http:") and urlsplit(self.issuer).hostname not in LOOPBACK_NAMES:
            raise ValueError(f"issuer {self.issuer} is not encrypted; give its https address")
        return self


class Person(BaseModel):
    """A person who may log in, and their role, by a claim of the provider. The first that fits counts.

    `claim` is email, sub, or the name of a claim that holds a text or a list of texts, such as groups.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = Field(min_length=1, max_length=200)
    value: str = Field(min_length=1, max_length=500)
    role: Role
    economies: tuple[CountryCode, ...] = ()
    operators: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _bound(self) -> Self:
        if self.role is Role.collector:
            raise ValueError("a collector is no person: give it a token or a key")
        fault = scope_fault(self.role, self.economies, self.operators)
        if fault is not None:
            raise ValueError(f"{self.claim} {self.value}: {fault}")
        return self


class ServiceSettings(BaseSettings):
    """Everything the service is told from outside. Keys that do not exist are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    dsn: SecretStr = Field(description="chdb:///directory, or clickhouse://user:password@host:8123/database")
    listen: str = Field(default="127.0.0.1:8080", pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+):\d{1,5}$")
    reference_overlay: Path | None = Field(
        default=None, description="directory of rows that replace or add facts"
    )
    log_level: LogLevel = Field(default=LogLevel.info, description="the least that is logged")
    log_format: LogFormat = Field(default=LogFormat.text, description="lines of text, or of JSON")
    keep_windows_days: int = Field(
        default=30, ge=1, le=36500, description="raw windows; roll-ups stay for ever"
    )
    max_batch_bytes: int = Field(default=64 << 20, ge=1024, description="largest body of POST /v1/batches")
    publisher_token_file: Path | None = Field(
        default=None, description="the token of whoever may publish; without it only the service itself does"
    )
    admin_token_file: Path | None = Field(
        default=None, description="the token of whoever makes and revokes keys (`caudal keys`)"
    )
    metrics_from: tuple[Network, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="networks that read /metrics without a key",
    )
    oidc: OpenIdConnect | None = None
    people: tuple[Person, ...] = ()
    paths: Path | None = Field(
        default=None, description="ways that traffic takes, as indicators.md says (J8)"
    )
    routes: Path | None = Field(default=None, description="routes to the economy, as indicators.md says (C6)")
    publication: PublicationSettings = PublicationSettings()
    confidentiality: ConfidentialitySettings = ConfidentialitySettings()
    storage: Storage = Storage()
    data_licence: Licence = Licence()
    admission: Admission = Admission()
    quotas: Quotas = Quotas()
    door: DoorSettings = DoorSettings()
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s<>\"]+)?$",
        max_length=500,
        description="where the public reaches the service: reports cite it",
    )
    operators: tuple[Operator, ...] = ()
    collectors: tuple[CollectorEntry, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, ids in (
            ("operators", [operator.id for operator in self.operators]),
            ("collectors", [collector.id for collector in self.collectors]),
        ):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"{key}: {', '.join(twice)} is given more than once; an id names one")
        fault = _shared_number(self.operators)
        if fault is not None:
            raise ValueError(fault)
        known = {operator.id for operator in self.operators}
        for collector in self.collectors:
            if collector.operator not in known:
                raise ValueError(
                    f"collectors: {collector.id} belongs to operator {collector.operator!r}, which is not among "
                    f"operators ({', '.join(sorted(known)) or 'none'}); add it or correct the name"
                )
        for person in self.people:
            unknown = sorted(set(person.operators) - known)
            if unknown:
                raise ValueError(
                    f"people: {person.value} is to see operator {unknown[0]!r}, which is not among operators "
                    f"({', '.join(sorted(known)) or 'none'}); add it or correct the name"
                )
        if self.oidc is not None and not self.public_url:
            raise ValueError("oidc: people come back to public_url after they logged in; set it")
        if self.people and self.oidc is None:
            raise ValueError("people: nobody can log in; say by which provider in [oidc]")
        return self

    @property
    def host(self) -> str:
        """The address to listen on, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on; 0 takes any that is free."""
        return int(self.listen.rpartition(":")[2])

    def operator(self, operator_id: str) -> Operator:
        """Return the operator of this id; KeyError if there is none."""
        return next(operator for operator in self.operators if operator.id == operator_id)

    def operators_of(self, economy: str) -> tuple[Operator, ...]:
        """Return the operators of an economy."""
        return tuple(operator for operator in self.operators if operator.economy == economy)


def _shared_number(operators: tuple[Operator, ...]) -> str | None:
    """Return which AS number two operators of an economy have at one time; None where there is none."""
    held: dict[tuple[str, int], list[tuple[DatedAsNumber, str]]] = {}
    for operator in operators:
        for each in operator.asns:
            others = held.setdefault((operator.economy, each.asn), [])
            for other, owner in others:
                if each.since <= other.until and other.since <= each.until:
                    return (
                        f"operators: AS{each.asn} belongs to {owner} and to {operator.id} at one time; a network "
                        "counts as one operator's: leave it to one, or give since and until"
                    )
            others.append((each, operator.id))
    return None


class _OverFile(EnvironmentFirst, ServiceSettings):
    """The service's settings, with the environment over those of a file."""


def load_settings(path: Path) -> ServiceSettings:
    """Read and check a settings file; raise SettingsError in one line: file, key, what to do.

    Relative paths in it start at its directory. The environment goes over the file.
    """
    values = read_toml(path)
    _refuse_unknown_variables(os.environ)
    try:
        return _OverFile(**_absolute(values, path.resolve().parent))
    except ValidationError as error:
        raise SettingsError(f"{path}: {_explain(error)}") from error
    except UnreadableVariable as error:
        raise unreadable_variable(error) from error


_PATHS = (
    "reference_overlay",
    "token_file",
    "publisher_token_file",
    "admin_token_file",
    "client_secret_file",
    "paths",
    "routes",
)


def _absolute(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    collectors = values.get("collectors")
    tables = [values, values.get("oidc"), *(collectors if isinstance(collectors, list) else [])]
    for table in tables:
        for key in _PATHS:
            if isinstance(table, dict) and isinstance(table.get(key), str):
                table[key] = directory / table[key]
    return values


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in ServiceSettings.model_fields}
    for name in environment:
        if name.startswith(PREFIX) and not name.startswith(TOKEN_PREFIX) and name not in known:
            raise SettingsError(
                f"environment: {name} is no setting; there are {', '.join(sorted(known))} and {TOKEN_PREFIX}<collector>"
            )


def _explain(error: ValidationError) -> str:
    errors = error.errors(include_url=False, include_input=False, include_context=False)
    # A misspelt key is the likelier cause of a missing one.
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = (
            f"no such setting; there are {', '.join(ServiceSettings.model_fields)}"
            if len(first["loc"]) == 1
            else "no such setting"
        )
    elif first["type"] == "missing":
        message = "is missing; add it"
    return f"{key}: {message}" if key else message
