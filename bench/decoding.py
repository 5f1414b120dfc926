"""Decoding in memory: records a second of Caudal's decoder and of netflume, over the same datagrams."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.exports import FORMATS, SAMPLING, Exports, Format, make_exports
from bench.figure import Figure, Section, alone, beside, failed
from bench.samples import SAMPLES, SFLOW, Samples, make_samples
from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.exporters.ledger import Ledger
from caudal.collector.receive.receiver import SLOT_OCTETS, SLOTS

_EXPORTER = "192.0.2.1"
_PASSES = 4  # of ours for one of the peer's: a pass of ours is short
_UNIT = "records/s"
_METHOD = (
    "Datagrams in memory to records, on one pinned core, by CPU time. Caudal gets them as its receiver hands them "
    f"over, lots of {SLOTS} of one format in the slots of a ring, and gives columns of numbers; netflume gets them one "
    "by one as `bytes` and gives a dict for each record, addresses as text. Both keep templates, sequence numbers and "
    "sampling rates. First it is checked that both, and what was generated, agree "
    "on the number of records and the sum of bytes."
)


@dataclass(frozen=True)
class Decoded:
    """What a decoder made of all datagrams, and the CPU seconds it took."""

    records: int
    bytes: int
    sampling: int
    seconds: float


def measure(datagrams: int = 4096, rounds: int = 5) -> Section:
    """Return the figures of all formats, with so many datagrams of each."""
    figures = [_figure(kind, datagrams, rounds) for kind in FORMATS.values()]
    return Section("Decoding", _METHOD, [*figures, _of_samples(datagrams, rounds)])


def _figure(kind: Format, datagrams: int, rounds: int) -> Figure:
    exports = make_exports(kind, datagrams)
    payloads = list(exports.datagrams())
    ring = _Ring()
    what = f"{kind.name}, {kind.records} records a datagram"
    peer = _netflume()
    answers = {"Caudal": decode_with_caudal(payloads, ring)}
    if peer is not None:
        answers["netflume"] = peer(payloads)
    wrong = _disagreement(exports, answers)
    if wrong:
        return failed(what, _UNIT, "netflume", wrong)

    def ours() -> float:
        passes = [decode_with_caudal(payloads, ring) for _ in range(_PASSES)]
        return sum(each.records for each in passes) / sum(each.seconds for each in passes)

    def theirs() -> float:
        assert peer is not None
        decoded = peer(payloads)
        return decoded.records / decoded.seconds

    return beside(what, _UNIT, ours, "netflume", None if peer is None else theirs, rounds)


def _of_samples(datagrams: int, rounds: int) -> Figure:
    samples = make_samples(datagrams)
    samples.number(slice(None), 1)
    payloads = [bytes(row) for row in samples.octets]
    ring = _Ring()
    what = f"{SFLOW}, {SAMPLES} samples a datagram, 128 octets of each packet"
    wrong = _disagreement(samples, {"Caudal": decode_with_caudal(payloads, ring)})
    if wrong:
        return failed(what, _UNIT, "", wrong)
    values = []
    for _ in range(rounds):
        passes = [decode_with_caudal(payloads, ring) for _ in range(_PASSES)]
        values.append(sum(each.records for each in passes) / sum(each.seconds for each in passes))
    return alone(what, _UNIT, values, note="no decoder of sFlow on PyPI is kept up")


def _disagreement(exports: Exports | Samples, answers: dict[str, Decoded]) -> str:
    expected = (len(exports.octets) * exports.records_per_datagram, exports.bytes_total, SAMPLING)
    for name, decoded in answers.items():
        found = (decoded.records, decoded.bytes, decoded.sampling)
        if found != expected:
            return f"{name} finds {found} (records, bytes, sampling 1 in), generated were {expected}"
    return ""


class _Ring:
    """The receiver's ring, filled here by copying instead of by the kernel."""

    def __init__(self) -> None:
        self.octets = np.zeros(SLOTS * SLOT_OCTETS, np.uint8)
        self.offsets = np.arange(SLOTS, dtype=np.int64) * SLOT_OCTETS

    def lot(self, payloads: list[bytes]) -> Datagrams:
        for offset, payload in zip(self.offsets.tolist(), payloads, strict=False):
            self.octets[offset : offset + len(payload)] = np.frombuffer(payload, np.uint8)
        count = len(payloads)
        return Datagrams(
            buffer=self.octets,
            offset=self.offsets[:count],
            length=np.array([len(payload) for payload in payloads], np.int64),
            exporter=np.zeros(count, np.int32),
            received_ms=np.full(count, int(time.time() * 1000), np.int64),
            truncated=np.zeros(count, bool),
        )


def decode_with_caudal(payloads: list[bytes], ring: _Ring | None = None) -> Decoded:
    """Decode with a new decoder; putting datagrams into the ring is the kernel's part, and not timed."""
    ring = ring or _Ring()
    decoder = Decoder(Ledger(300_000), SamplingRates([_EXPORTER], {}))
    records = octets = 0
    rates: set[float] = set()
    seconds = 0.0
    for first in range(0, len(payloads), SLOTS):
        lot = ring.lot(payloads[first : first + SLOTS])
        began = time.process_time()
        flows = decoder.decode(lot)
        seconds += time.process_time() - began
        records += len(flows)
        octets += int(flows.bytes.sum())
        rates.update(np.unique(flows.sampling_rate).tolist())
    return Decoded(records, octets, int(rates.pop()) if len(rates) == 1 else 0, seconds)


def _netflume() -> Callable[[list[bytes]], Decoded] | None:
    try:
        import netflume
    except ImportError:
        return None

    def decode(payloads: list[bytes]) -> Decoded:
        decoder = netflume.Decoder()
        records = octets = 0
        sampling = 1
        seconds = 0.0
        for first in range(0, len(payloads), SLOTS):
            lot = payloads[first : first + SLOTS]
            began = time.process_time()
            messages = [decoder.decode(payload, _EXPORTER) for payload in lot]
            seconds += time.process_time() - began
            for message in filter(None, messages):
                records += len(message.flows)
                octets += sum(flow["octets"] for flow in message.flows)
                sampling = max(sampling, message.sampling_rate)
        return Decoded(records, octets, sampling, seconds)

    return decode
