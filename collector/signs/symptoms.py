"""Signs of an exporter that its counts alone show, in words of whoever looks after routers."""

from collections.abc import Iterator

from caudal.collector.signs.clockoffset import span
from caudal.collector.signs.condition import Condition
from caudal.collector.signs.signs import Sign
from caudal.common.counted import counted

SILENT_SECONDS = 600.0
_PATIENCE_SECONDS = 120.0  # for a template: routers that are asked to repeat them each minute have by then
_LOST_SHARE = 0.005
_MALFORMED_SHARE = 0.001
_TRANSIT_SHARE = 0.95
_UNKNOWN_SHARE = 0.1


def symptoms(seen: Condition, now_ms: int, uptime_seconds: float) -> Iterator[Sign]:
    """Yield the signs that an exporter's counts show, at a time and after so long at work."""
    silence = _silence(seen, now_ms, uptime_seconds)
    if silence:
        yield Sign(seen.name, "silent", silence, needs_attention=True)
        return
    for kind, sentence in _arrival(seen):
        yield Sign(seen.name, kind, sentence, needs_attention=True)
    yield from _content(seen)


def _silence(seen: Condition, now_ms: int, uptime_seconds: float) -> str:
    if uptime_seconds < SILENT_SECONDS:
        return ""
    if seen.is_interface:
        if seen.lately["received"]:
            return ""
        return (
            f"No flow was metered on this interface for {span(seen.lately_seconds)}: see whether the mirror port still "
            "sends (`tcpdump -ni`), and whether `filter` fits its packets."
        )
    if not seen.datagrams:
        return (
            "Nothing was heard from this address since the collector started: export from it to `listen`, and look for a "
            "firewall between (`tcpdump -ni any udp port 2055`)."
        )
    silent = (now_ms - seen.last_ms) / 1000
    if silent < SILENT_SECONDS:
        return ""
    return (
        f"Nothing was heard from it for {span(silent)}: see whether the router exports, and by which address."
    )


def _arrival(seen: Condition) -> Iterator[tuple[str, str]]:
    lately, during = seen.lately, span(seen.lately_seconds)
    if seen.lost_share > _LOST_SHARE:
        what = (
            counted(lately["lost"], "record")
            if lately["lost"] > 0
            else counted(lately["lost_datagrams"], "datagram")
        )
        yield (
            "lost",
            f"{what} ({seen.lost_share:.1%}) of the last {during} never arrived: look at the network between and at the "
            "router's export queue; drops at this machine are under `kernel drops`.",
        )
    if seen.waiting_sets and seen.waiting_seconds > _PATIENCE_SECONDS:
        yield (
            "template_waiting",
            f"{counted(seen.waiting_sets, 'data set waits', 'data sets wait')} for a template, the first for "
            f"{span(seen.waiting_seconds)}: have the router repeat its templates every 60 s.",
        )
    if lately["malformed"] > _MALFORMED_SHARE * max(lately["received"], 1):
        yield (
            "malformed",
            f"{counted(lately['malformed'], 'datagram, set or record', 'datagrams, sets or records')} of the last {during} "
            "could not be read: capture some (`tcpdump -w`) and look with `caudal inspect`.",
        )


def _content(seen: Condition) -> Iterator[Sign]:
    lately = seen.lately
    if lately["decoded"] and not lately["aggregated"]:
        yield Sign(
            seen.name,
            "nothing_counted",
            f"None of its {counted(lately['decoded'], 'record')} of the last {span(seen.lately_seconds)} counts as traffic: export "
            "records with octets, packets and both addresses.",
            needs_attention=True,
        )
    total = sum(seen.direction_bytes.values())
    transit = seen.direction_bytes.get("transit", 0)
    if total and transit > _TRANSIT_SHARE * total:
        yield Sign(
            seen.name,
            "transit",
            f"{transit / total:.0%} of its bytes are between addresses that are both not in `home`: list all prefixes of "
            "your subscribers there, and the public pool where they are behind NAT.",
            needs_attention=True,
        )
    if (
        lately["sampling_assumed"] > lately["rate_implausible"]
    ):  # of the others it is told that they are not believed
        yield Sign(
            seen.name,
            "rate_assumed",
            "It states no sampling rate, and is taken to meter every packet: if it samples, export the rate or set "
            "`sampling`; if not, `sampling = 1` says so.",
            needs_attention=False,
        )
    if lately["interface_unknown"] > _UNKNOWN_SHARE * max(lately["decoded"], 1):
        yield Sign(
            seen.name,
            "interface_unknown",
            f"In {counted(lately['interface_unknown'], 'record')} of the last {span(seen.lately_seconds)} there is no interface that "
            "`external`, `internal` or `metered` could go by. Such records are counted, perhaps twice: export input and output.",
            needs_attention=False,
        )
