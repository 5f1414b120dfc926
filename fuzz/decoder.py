"""Octets from the network into the decoder: nothing raises, the ledger balances, memory stays bounded.

An input is one datagram after the other: an octet that says which exporter sends it, and whether the lot ends
behind it or the collector restarts; two octets of length, and so many octets of payload.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import FlowRecords
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.exporterstate import from_json, to_json
from caudal.collector.decode.sampling.sampling import SamplingRates
from caudal.collector.exporters.ledger import LEDGER_COUNTS, Ledger
from caudal.contract.batch import BALANCE

CORPUS: Final = Path(__file__).parent.parent / "tests" / "fuzz" / "corpus"
EXPORTERS: Final = 4
TEMPLATES, TEMPLATE_OCTETS, WAITING_OCTETS, SAMPLERS = 16, 64 << 10, 32 << 10, 64

_NOW_MS = 1_767_225_600_000
_END_OF_LOT, _RESTART = 0x80, 0x40


def pack(*datagrams: tuple[int, bytes], together: bool = False) -> bytes:
    """Return the input that these (exporter, payload) make, each a lot of its own, or all `together` one."""
    last = len(datagrams) - 1
    return b"".join(
        struct.pack(">BH", exporter | (0 if together and at < last else _END_OF_LOT), len(payload)) + payload
        for at, (exporter, payload) in enumerate(datagrams)
    )


def unpack(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield (exporter, payload, flags) of the datagrams of an input; any octets are one."""
    at = 0
    while at + 3 <= len(data):
        head, length = struct.unpack_from(">BH", data, at)
        yield head % EXPORTERS, data[at + 3 : at + 3 + length], head
        at += 3 + length


def one_input(data: bytes) -> None:
    """Decode an input and check what must hold whatever it is."""
    ledger = Ledger(300_000)
    decoder = _decoder(ledger)
    payloads: list[bytes] = []
    numbers: list[int] = []
    sent = 0
    now_ms = _NOW_MS
    for exporter, payload, flags in unpack(data):
        payloads.append(payload)
        numbers.append(exporter)
        sent += 1
        if flags & _END_OF_LOT:
            _check_flows(decoder.decode(_lot(payloads, numbers, now_ms)))
            _check(decoder, ledger)
            payloads, numbers = [], []
            now_ms += 60_000
        if flags & _RESTART:
            decoder = _restarted(decoder, ledger)
    _check_flows(decoder.decode(_lot(payloads, numbers, now_ms)))
    _check(decoder, ledger)
    assert int(ledger.totals[LEDGER_COUNTS.index("datagrams")]) == sent
    for exporter in range(EXPORTERS):
        decoder.forget(exporter)
    decoder.give_up_waiting()
    _check(decoder, ledger)
    left = (len(decoder.templates), decoder.templates.octets, len(decoder.waiting), decoder.waiting.octets)
    assert (*left, decoder.rates.announced, len(decoder.sequences)) == (0,) * 6
    _check_windows(ledger)


def _decoder(ledger: Ledger) -> Decoder:
    rates = SamplingRates(
        [f"192.0.2.{n}" for n in range(EXPORTERS)],
        {"192.0.2.1": 10, "192.0.2.2/31": 20},
        overriding=["192.0.2.2/31"],
        samplers_per_exporter=SAMPLERS,
        samplers=2 * SAMPLERS,
    )
    return Decoder(
        ledger,
        rates,
        waiting_octets=WAITING_OCTETS,
        waiting_octets_per_exporter=WAITING_OCTETS // 2,
        waiting_seconds=180,
        templates_per_exporter=TEMPLATES,
        templates_octets=TEMPLATE_OCTETS,
        tunnels="inner",
    )


def _restarted(decoder: Decoder, ledger: Ledger) -> Decoder:
    """Return a decoder that knows what is kept over a restart, which must be all that the other had."""
    again = _decoder(ledger)
    decoder.give_up_waiting()
    for exporter in range(EXPORTERS):
        state = decoder.state(exporter)
        assert from_json(to_json(state)) == state
        again.restore(exporter, state)
        assert again.state(exporter).points == state.points or decoder.templates.full
    return again


def _lot(payloads: list[bytes], exporters: list[int], now_ms: int) -> Datagrams:
    length = np.array([len(payload) for payload in payloads], np.int64)
    return Datagrams(
        np.frombuffer(b"".join(payloads), np.uint8),
        np.cumsum(length) - length,
        length,
        np.array(exporters, np.int32),
        np.full(len(payloads), now_ms, np.int64),
        np.zeros(len(payloads), bool),
        # From several ports, as if several processes sent from one address.
        np.array([1 + len(payload) % 3 for payload in payloads], np.uint16),
    )


def _check(decoder: Decoder, ledger: Ledger) -> None:
    count = dict(zip(LEDGER_COUNTS, ledger.totals.tolist(), strict=True))
    assert count["received"] == sum(count[name] for name in BALANCE["received"]), count
    assert min(count[name] for name in ("received", "decoded", "waiting", "malformed")) >= 0, count
    assert count["waiting"] == len(decoder.waiting)
    assert decoder.waiting.octets <= WAITING_OCTETS
    assert decoder.templates.octets <= TEMPLATE_OCTETS
    assert len(decoder.templates) == len(decoder.layouts) <= TEMPLATES * EXPORTERS
    assert decoder.rates.announced <= 2 * SAMPLERS


def _check_windows(ledger: Ledger) -> None:
    for row in ledger.take(None, str).to_pylist():
        assert row["received"] == sum(row[part] for part in BALANCE["received"]), row


def _check_flows(flows: FlowRecords) -> None:
    assert (flows.sampling_rate >= 1).all()
    assert (np.maximum(flows.bytes, flows.packets) * flows.sampling_rate < 1 << 53).all()
    assert ((flows.export_ms > 0) & (flows.export_ms < 1 << 42)).all()
