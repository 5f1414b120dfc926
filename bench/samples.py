"""sFlow datagrams to measure with: the same traffic as the other formats, as sampled Ethernet headers."""

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.exports import FORMATS, SAMPLING, Octets, make_exports

SFLOW: Final = "sFlow v5"
SAMPLES: Final = 6
_HEADER_OCTETS, _SAMPLED_OCTETS = 28, 128
_SAMPLE = np.dtype(
    [
        *((name, ">u4") for name in ("type", "length", "sequence", "source", "rate", "pool", "drops")),
        *((name, ">u4") for name in ("input", "output", "records")),
        *((name, ">u4") for name in ("switch", "switch_length")),
        *((name, ">u4") for name in ("source_vlan", "source_priority", "vlan", "priority")),
        *((name, ">u4") for name in ("raw", "raw_length", "protocol", "frame", "stripped", "header_length")),
        ("macs", "u1", 12),
        *((name, ">u2") for name in ("ether_type",)),
        *((name, "u1") for name in ("version", "service")),
        *((name, ">u2") for name in ("ip_length", "id", "fragment")),
        *((name, "u1") for name in ("ttl", "ip_protocol")),
        ("checksum", ">u2"),
        *((name, ">u4") for name in ("source_address", "destination_address")),
        *((name, ">u2") for name in ("source_port", "destination_port")),
        ("rest", "u1", _SAMPLED_OCTETS - 14 - 20 - 4),
    ]
)


@dataclass(frozen=True)
class Samples:
    """So many sFlow datagrams of flow samples, each an extended switch record and 128 octets of a frame."""

    octets: Octets
    name: str = SFLOW
    records_per_datagram: int = SAMPLES
    sequence_step: int = 1

    @property
    def samples(self) -> npt.NDArray[Any]:
        """The flow samples in place, datagram by datagram."""
        shape, strides = (len(self.octets), SAMPLES), (self.octets.strides[0], _SAMPLE.itemsize)
        return np.ndarray(shape, _SAMPLE, self.octets, offset=_HEADER_OCTETS, strides=strides)

    @cached_property
    def bytes_total(self) -> int:
        """The sum of the IP bytes of all samples."""
        return int(self.bytes_by_datagram.sum())

    @property
    def bytes_by_datagram(self) -> npt.NDArray[np.uint64]:
        """The IP bytes of each datagram's samples, added up."""
        sums: npt.NDArray[np.uint64] = self.samples["ip_length"].astype(np.uint64).sum(axis=1)
        return sums

    def stamp(self, seconds: int) -> None:
        """Do nothing: sFlow tells no time of day."""

    def number(self, rows: slice, first: int) -> None:
        """Give the datagrams of `rows` consecutive sequence numbers from `first`."""
        part = self.octets[rows]
        numbers = (first + np.arange(len(part))) & 0xFFFF_FFFF
        part[:, 16:20] = numbers.astype(">u4").view(np.uint8).reshape(-1, 4)

    def announcement(self, sequence: int, seconds: int) -> None:
        """Return None: every sample says its own sampling rate."""


def make_samples(datagrams: int, *, seed: int = 1) -> Samples:
    """Return so many datagrams of samples of the traffic of `make_exports`; the same for the same seed."""
    flows = make_exports(FORMATS["NetFlow v5"], -(-datagrams * SAMPLES // 30), seed=seed).records
    flows = flows.reshape(-1)[: datagrams * SAMPLES]
    size = flows["1"] // flows["2"]
    fields: dict[str, npt.NDArray[Any] | int] = {
        "type": 1,
        "length": _SAMPLE.itemsize - 8,
        "sequence": np.arange(len(flows)),
        "source": 11,
        "rate": SAMPLING,
        "pool": np.arange(len(flows)) * SAMPLING,
        "input": flows["10"],
        "output": flows["14"],
        "records": 2,
        "switch": 1001,
        "switch_length": 16,
        "raw": 1,
        "raw_length": 16 + _SAMPLED_OCTETS,
        "protocol": 1,
        "frame": size + 14,
        "stripped": 0,
        "header_length": _SAMPLED_OCTETS,
        "ether_type": 0x0800,
        "version": 0x45,
        "ip_length": size,
        "ttl": 60,
        "ip_protocol": flows["4"],
        "source_address": flows["8"],
        "destination_address": flows["12"],
        "source_port": flows["7"],
        "destination_port": flows["11"],
    }
    octets = np.zeros((datagrams, _HEADER_OCTETS + SAMPLES * _SAMPLE.itemsize), np.uint8)
    header = struct.pack("!7I", 5, 1, 0xC000_0201, 0, 0, 5_000_000, SAMPLES)
    octets[:, :_HEADER_OCTETS] = np.frombuffer(header, np.uint8)
    made = Samples(octets)
    view = made.samples
    for name, values in fields.items():
        view[name] = values if isinstance(values, int) else values.reshape(view.shape)
    return made
