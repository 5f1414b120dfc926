"""Which sources of an exporter count together, and which by themselves: told by whose sequence numbers go on.

A source is an observation domain (of v5: an engine) and the UDP port its datagrams come from. Exporters change ports as they
begin anew, or send from many in turn; some number their datagrams for the whole device, over all domains. Two exporting
processes behind one address, containers or probes behind a translator, each have a count of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, Self

from caudal.collector.decode.sequence import stream
from caudal.collector.decode.sequence.stream import MODULUS, Stream

PORTS_KEPT = 16  # of one domain
_TURNS = 3  # from so many on processes are at work beside each other; one that moved is heard from its new port only
_LOOKED_AT = 256  # sources whose count another may go on with
_SURE = 2


class Source(NamedTuple):
    """A protocol and an observation domain (or engine) of an exporter, and the UDP port that its datagrams come from."""

    protocol: int
    observation_domain: int
    port: int

    @property
    def name(self) -> int:
        """The source as one number, so that a set of sources is a set of ints, a third of the size of a set of tuples."""
        return self.protocol << 48 | self.observation_domain << 16 | self.port

    @classmethod
    def of(cls, name: int) -> Self:
        """Return the source that `name` made this number of."""
        return cls(name >> 48, name >> 16 & 0xFFFF_FFFF, name & 0xFFFF)


class Make(Protocol):
    """Gives an exporter's source a stream: its own, or that of another source."""

    def __call__(self, exporter: int, name: int, joined: Stream | None = None) -> Stream: ...


@dataclass(slots=True)
class _Shared:
    """A stream of several sources: what each of them would have as its next number if it counted by itself.

    `together` is how often they were seen to take turns in one count; `forgiven` what was not counted as lost because a
    source was taken to count with the others, until they are seen to.
    """

    stream: Stream
    own: dict[int, int | None] = field(default_factory=dict)
    together: int = 0
    forgiven: int = 0


@dataclass(slots=True)
class _Ports:
    """The ports of one domain, the one heard last at the end, and how often one with a count of its own was heard again."""

    names: list[int]
    turns: int = 0


class CommonCounts:
    """Sources that share a count of datagrams, or an observation domain, as far as they were found to."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._shared: dict[int, dict[int, _Shared]] = {}  # by exporter and the stream's identity
        self._ports: dict[int, dict[int, _Ports]] = {}  # by exporter and domain, of those with several
        self._split: set[int] = set()

    def forget(self, exporter: int) -> None:
        """Forget everything about an exporter."""
        self._shared.pop(exporter, None)
        self._ports.pop(exporter, None)
        self._split.discard(exporter)

    def drop(self, exporter: int, name: int, of: Stream) -> None:
        """Forget a source."""
        shared = self._shared.get(exporter, {}).get(id(of))
        if shared is not None:
            shared.own.pop(name, None)
            if not shared.own:
                self._unshare(exporter, of)
        domains = self._ports.get(exporter, {})
        ports = domains.get(name >> 16)
        if ports is not None and name in ports.names:
            ports.names.remove(name)
            if not ports.names:
                del domains[name >> 16]

    def _unshare(self, exporter: int, of: Stream) -> None:
        del self._shared[exporter][id(of)]
        if not self._shared[exporter]:
            del self._shared[exporter]

    def processes(self, exporter: int) -> tuple[int, ...]:
        """Return the ports of the domains of an exporter of which several are heard in turn, each with its own count."""
        found = {
            name & 0xFFFF
            for ports in self._ports.get(exporter, {}).values()
            if ports.turns >= _TURNS
            for name in ports.names
        }
        return tuple(sorted(found))

    def split(self) -> set[int]:
        """Return the exporters of which that became known since the last call."""
        found, self._split = self._split, set()
        return found

    def over_domains(self, exporter: int) -> bool:
        """Return True if an exporter was seen to number its datagrams over several observation domains."""
        return any(
            shared.together >= _SURE and len({name >> 16 for name in shared.own}) > 1
            for shared in self._shared.get(exporter, {}).values()
        )

    def from_any_port(self, exporter: int, name: int, of: Stream) -> bool:
        """Return True if the datagrams of a stream come from several UDP ports of an observation domain in turn."""
        shared = self._shared.get(exporter, {}).get(id(of))
        return shared is not None and shared.together >= _SURE and name in shared.own

    def restore(self, exporter: int, name: int, of: Stream) -> None:
        """Have it known of a stream that its datagrams come from several ports."""
        shared = self._shared.setdefault(exporter, {}).setdefault(id(of), _Shared(of))
        shared.own.setdefault(name, of.expected)
        shared.together = _SURE
        self._ports.setdefault(exporter, {}).setdefault(name >> 16, _Ports([])).names.append(name)

    def weigh(self, exporter: int, name: int, of: Stream, number: int) -> None:
        """Take note, before it is followed, of a number that says that a source counts together with others."""
        shared = self._shared.get(exporter, {}).get(id(of)) if self._shared else None
        if shared is not None and number == of.expected and shared.own.get(name) != number:
            shared.together = min(shared.together + 1, 0xFF)
            shared.forgiven = shared.forgiven if shared.together < _SURE else 0

    def note_turn(self, exporter: int, name: int, of: Stream) -> None:
        """Take note that a known source was heard, and where its stream stands now."""
        shared = self._shared.get(exporter, {}).get(id(of)) if self._shared else None
        if shared is not None:
            shared.own[name] = of.expected
        ports = self._ports.get(exporter, {}).get(name >> 16)
        if ports is None or ports.names[-1] == name:
            return
        if name in ports.names:
            ports.names.remove(name)
            if shared is None:
                ports.turns += 1
                if ports.turns == _TURNS:
                    self._split.add(exporter)
        ports.names.append(name)

    def step(
        self,
        exporter: int,
        name: int,
        number: int,
        units: int,
        templates: int,
        of_all: dict[int, dict[int, Stream]],
        drop: Callable[[int, int], None],
    ) -> int:
        """Return the units lost before one datagram of a source; find out whom it counts with."""
        streams = of_all.get(exporter, {})
        state = streams.get(name)
        found = 0
        if state is None:
            state = self._begin(exporter, name, number, streams, drop)
        elif not state.continues(number, units):
            shared = self._shared.get(exporter, {}).get(id(state))
            if shared is not None and shared.own.get(name) == number:
                state, found = self._part(exporter, name, shared)
            elif shared is None:
                state, found = self._join(exporter, name, state, number, units, streams)
        self.weigh(exporter, name, state, number)
        found += stream.follow(state, [number], [units], [templates])[0]
        self.note_turn(exporter, name, state)
        shared = self._shared.get(exporter, {}).get(id(state))
        if shared is not None:
            shared.own[name] = None if units < 0 else (number + state.as_counted(units, templates)) % MODULUS
        return found

    def _begin(
        self,
        exporter: int,
        name: int,
        number: int,
        streams: dict[int, Stream],
        drop: Callable[[int, int], None],
    ) -> Stream:
        """Have a source that is heard first: of a domain that is heard from other ports as well it may go on with theirs."""
        domain = name >> 16
        ports = self._ports.get(exporter, {}).get(domain)
        beside = ports.names if ports is not None else [each for each in streams if each >> 16 == domain]
        if not beside:
            return self._make(exporter, name)
        unknown = domain << 16  # kept from a time when ports were not
        going_on = [each for each in reversed(beside) if streams[each].expected == number or each == unknown]
        going_on += [
            each
            for each in reversed(beside)
            if (shared := self._shared.get(exporter, {}).get(id(streams[each]))) is not None
            and shared.together >= _SURE
            and len({one >> 16 for one in shared.own}) == 1
        ]
        if ports is None:
            ports = self._ports.setdefault(exporter, {})[domain] = _Ports(list(beside))
        joined = None
        if going_on:
            joined = streams[going_on[0]]
            shared = self._share(exporter, going_on[0], joined)
            shared.own.setdefault(name, None)
        while len(ports.names) >= PORTS_KEPT:
            drop(exporter, ports.names[0])
        self._ports.setdefault(exporter, {})[domain] = ports
        state = self._make(exporter, name, joined)
        if name not in ports.names:
            ports.names.append(name)
        return state

    def _share(self, exporter: int, name: int, of: Stream) -> _Shared:
        return self._shared.setdefault(exporter, {}).setdefault(id(of), _Shared(of, {name: of.expected}))

    def _join(
        self,
        exporter: int,
        name: int,
        state: Stream,
        number: int,
        units: int,
        streams: dict[int, Stream],
    ) -> tuple[Stream, int]:
        """Return the stream that a source which does not go on with its own goes on with, if there is one."""
        protocol = name >> 48
        for other, each in zip(range(_LOOKED_AT), streams.items(), strict=False):
            del other
            if each[1] is not state and each[1].expected == number and each[0] >> 48 == protocol:
                shared = self._share(exporter, *each)
                shared.forgiven += stream.lost_before(state, number, units)
                shared.own[name] = None
                self._make(exporter, name, each[1])
                return each[1], 0
        return state, 0

    def _part(self, exporter: int, name: int, shared: _Shared) -> tuple[Stream, int]:
        """Give a source a count of its own again; numbers forgiven until then are lost."""
        del shared.own[name]
        found, shared.forgiven, shared.together = shared.forgiven, 0, 0
        before = shared.stream
        if len(shared.own) < 2:
            self._unshare(exporter, before)
        return self._make(exporter, name), found
