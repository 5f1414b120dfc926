"""The state of an exporter kept over a restart: templates, rates, boot times, sequence numbers, flows told. No address."""

import base64
import json
from dataclasses import dataclass, field, replace

from caudal.collector.columns.flowrecords import PROTOCOLS
from caudal.collector.decode.records.toldtable import ROW_OCTETS
from caudal.collector.decode.sequence.stream import Followed
from caudal.collector.decode.template.template import NOT_READ, FieldSpecifier, Template


@dataclass(frozen=True)
class TemplateState:
    """A template, and when it was announced or used last (milliseconds since 1970 UTC)."""

    template: Template
    seen_ms: int


@dataclass(frozen=True)
class PointState:
    """Knowledge that holds at one observation domain of one protocol: templates by id, rates as SamplingRates names them.

    `followed` is where its sequence numbers stood when the collector stopped in peace, by the UDP port they came from, and
    empty at any other time. `port` is the UDP port of the process that announced, of an exporter that has several. `stated` holds the
    lowest and the highest rate believed of each sampler, also of those that state it in each record.
    """

    protocol: int
    observation_domain: int
    boot_ms: int | None = None
    templates: dict[int, TemplateState] = field(default_factory=dict)
    rates: dict[int | None, float] = field(default_factory=dict)
    followed: dict[int, Followed] = field(default_factory=dict)
    port: int = 0
    stated: dict[int | None, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class ExporterState:
    """The state kept of one exporter; `told` are rows of ToldFlows, which remembers flows by keyed digests."""

    points: tuple[PointState, ...] = ()
    told: bytes = b""

    @property
    def seen_ms(self) -> int:
        """When one of its templates was announced or used last; 0 if it has none."""
        return max((known.seen_ms for point in self.points for known in point.templates.values()), default=0)

    def since(self, seen_ms: int) -> "ExporterState":
        """Return the state without templates unseen since `seen_ms`, and without announcements at points that have none left."""
        points = []
        for point in self.points:
            kept = {number: known for number, known in point.templates.items() if known.seen_ms >= seen_ms}
            if kept:
                points.append(replace(point, templates=kept))
            elif point.followed or point.stated:
                points.append(
                    PointState(
                        point.protocol,
                        point.observation_domain,
                        followed=point.followed,
                        port=point.port,
                        stated=point.stated,
                    )
                )
        return ExporterState(tuple(points), self.told if points else b"")


def to_json(state: ExporterState) -> str:
    """Return a state as one line of JSON."""
    parts: list[dict[str, object]] = [
        {
            "protocol": PROTOCOLS[point.protocol],
            "domain": point.observation_domain,
            "boot_ms": point.boot_ms,
            "templates": [
                [
                    number,
                    known.seen_ms,
                    int(known.template.is_options),
                    [number for specifier in known.template.fields for number in specifier],
                ]
                for number, known in point.templates.items()
            ],
            "rates": list(point.rates.items()),
            "port": point.port,
            "stated": [[sampler, *rates] for sampler, rates in point.stated.items()],
            "followed": [[port, *numbers] for port, numbers in point.followed.items()],
        }
        for point in state.points
    ]
    if state.told:
        parts.append({"told": base64.b64encode(state.told).decode()})
    return json.dumps(parts, separators=(",", ":"))


def from_json(text: str) -> ExporterState:
    """Read a state as `to_json` writes it; raises ValueError if it is none."""
    try:
        parts = json.loads(text)
        told = base64.b64decode(parts.pop()["told"], validate=True) if parts and "told" in parts[-1] else b""
        if len(told) % ROW_OCTETS:
            raise ValueError("what was told of flows is not whole")
        return ExporterState(tuple(_point(point) for point in parts), told)
    except (TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no state of an exporter: {error}") from error


def _point(read: dict[str, object]) -> PointState:
    templates, rates = read["templates"], read["rates"]
    boot_ms = read["boot_ms"]
    if not isinstance(templates, list) or not isinstance(rates, list):
        raise TypeError("templates and rates are lists")
    return PointState(
        PROTOCOLS.index(str(read["protocol"])),
        _number(read["domain"], 0, (1 << 32) - 1),
        None if boot_ms is None else _number(boot_ms, 1, 1 << 48),
        {
            _number(number, 256, 65_535): TemplateState(
                _template(fields, is_options=bool(is_options)), _number(seen, 0, 1 << 48)
            )
            for number, seen, is_options, fields in templates
        },
        {_sampler(sampler): _rate(rate) for sampler, rate in rates},
        _followed(read.get("followed")),
        _number(read.get("port", 0), 0, 0xFFFF),
        _stated(read.get("stated")),
    )


def _followed(read: object) -> dict[int, Followed]:
    if read is None:
        return {}
    if not isinstance(read, list):
        raise TypeError("sequence numbers are a list")
    if read and not isinstance(read[0], list):
        read = [[0, *read, False]]  # as long as ports were not kept
    found = {}
    for port, expected, last, *manners in read:
        before, itself, shared = manners
        if not all(isinstance(each, bool) for each in manners):
            raise TypeError("how a stream counts is true or false")
        found[_number(port, 0, 0xFFFF)] = Followed(
            _number(expected, 0, (1 << 32) - 1), _number(last, 0, (1 << 32) - 1), before, itself, shared
        )
    return found


def _stated(read: object) -> dict[int | None, tuple[float, float]]:
    if read is None:
        return {}
    if not isinstance(read, list):
        raise TypeError("rates stated are a list")
    return {_sampler(sampler): (_rate(low), _rate(high)) for sampler, low, high in read}


def _sampler(value: object) -> int | None:
    return None if value is None else _number(value, -(1 << 64), (1 << 64) - 1)


def _template(fields: list[object], *, is_options: bool) -> Template:
    elements, lengths = fields[::2], fields[1::2]
    template = Template(
        tuple(
            FieldSpecifier(_number(element, NOT_READ, 1 << 17), _number(length, 0, 65_535))
            for element, length in zip(elements, lengths, strict=True)
        ),
        is_options,
    )
    if not template.minimum_length:
        raise ValueError("a template of records of no length")
    return template


def _number(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} is no number from {least} to {most}")
    return value


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 1 << 32:
        raise ValueError(f"{value!r} is no sampling rate")
    return float(value)
