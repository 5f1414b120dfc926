"""Checks that nothing is replayed twice: not the same file, and not the same time of an exporter in whatever file."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from caudal.collector.receive.receivingtimes import Span
from caudal.collector.replay.journal import Journal, ReplayError
from caudal.collector.replay.survey import Survey
from caudal.common.counted import counted

# The service takes no older windows.
_MOST_DAYS = 365


def require_something(found: Survey, left_out: int, now: float) -> None:
    if not found.datagrams and left_out:
        raise ReplayError(
            f"{counted(left_out, 'datagram was', 'datagrams were')} captured while the collector was receiving, and counted then; if it "
            "did not get them, repeat this with --received-too"
        )
    if not found.datagrams:
        raise ReplayError("no export datagram is of the time asked for; correct --since and --until")
    if found.span.last_ms < (now - _MOST_DAYS * 86_400) * 1000:
        raise ReplayError(
            f"everything was captured before {_date(found.span.last_ms)}: the service takes nothing that is older than "
            f"{_MOST_DAYS} days"
        )


def require_new(
    journal: Journal, paths: Sequence[Path], digests: Sequence[str], spans: Mapping[str, Sequence[Span]]
) -> None:
    """Raise ReplayError if any of it was replayed before or is there twice, as the same file or the same time of an exporter."""
    for name, times in spans.items():
        for one, other in combinations(times, 2):
            if _overlap(one, other):
                raise ReplayError(
                    f"two of these files hold what {name} sent at {_date(max(one.first_ms, other.first_ms))}: leave one out, or "
                    "give --again if each has another part of it"
                )
    for before in journal.manifests():
        when = f"{datetime.fromtimestamp(before.replayed, UTC):%Y-%m-%d %H:%M} UTC"
        met = [
            (name, other)
            for name, times in spans.items()
            for other in before.spans.get(name, ())
            if any(_overlap(span, other) for span in times)
        ]
        known = [path for path, digest in zip(paths, digests, strict=True) if digest in before.digests]
        if met and known:
            raise ReplayError(
                f"{known[0]} was replayed at {when} and would count twice; leave it out (--again counts it again)"
            )
        if met:
            name, other = met[0]
            raise ReplayError(
                f"these files hold what {name} sent from {_date(other.first_ms)} to {_date(other.last_ms)}, some of which was "
                f"replayed at {when}: choose another time with --since and --until (--again counts it again)"
            )


def _overlap(one: Span, other: Span) -> bool:
    """Return True if two times have more in common than the moment at which one ends and the other begins."""
    return one == other or max(one.first_ms, other.first_ms) < min(one.last_ms, other.last_ms)


def _date(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
