"""Payload of a cell in bytes: what is left without the headers that its packets must have had.

Stored are bytes, header to payload, and packets. A packet has at least 28 octets of headers (IPv4 20, UDP or ICMP 8) and
at most 100 (IPv6 40, TCP with all options 60). So b bytes in n packets hold between b − 100·n, but not less than nothing,
and b − 28·n octets of payload. A packet that only acknowledges is no longer than the most that headers can be, so that
the lower bound counts it as nothing, whichever protocol acknowledges.

Between the bounds the estimate takes 52 octets of headers (IPv4 20, TCP with timestamps 32: between UDP over IPv4 and
TCP over IPv6), and an acknowledgement, of 60 octets and no payload, for every second packet of the other direction
(RFC 9293 and RFC 9000), as far as there are packets for it. TLS and the like are counted as payload: what they
wrap cannot be told from them.

The sampling variance of packets is not kept. That of bytes is taken for the payload, and is no less than its own: a
sampled packet adds its payload, which is no more than its bytes.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from caudal.service.indicators.model.cells import BoolArray, MonthCells
from caudal.service.indicators.model.uncertainty import FloatArray, Quantity

LEAST_HEADERS, USUAL_HEADERS, MOST_HEADERS = 28, 52, 100
ACKNOWLEDGEMENT = 60
# Packets of the other direction for each acknowledgement.
ACKNOWLEDGED_TOGETHER = 2
# The shortest and the longest packet of IP, without the jumbograms that nobody sends: other means were not counted.
SHORTEST, LONGEST = 20, 65_575


@dataclass(frozen=True, eq=False)
class Payload:
    """Octets of payload of each cell of a month: estimated, with bounds; `counted` are cells with packets to go by."""

    value: FloatArray
    least: FloatArray
    most: FloatArray
    variance: FloatArray
    counted: BoolArray

    def total(self, which: BoolArray) -> Quantity:
        """Return the estimated payload of the cells that `which` selects, with its sampling variance at most."""
        return self._sum(self.value, which)

    def at_least(self, which: BoolArray) -> Quantity:
        """Return the least payload of the same."""
        return self._sum(self.least, which)

    def at_most(self, which: BoolArray) -> Quantity:
        """Return the greatest payload of the same."""
        return self._sum(self.most, which)

    def _sum(self, amounts: FloatArray, which: BoolArray) -> Quantity:
        return Quantity(float(amounts[which].sum()), float(self.variance[which].sum()))


def payload_of(month: MonthCells) -> Payload:
    """Return the payload of each cell of a month.

    Of a cell whose packets are unknown, or are no number that its bytes can have come in, nothing is known: from none
    of its bytes to all, half of them as the estimate. 1,000 packets out with 1,000,000 bytes, and 1,000 in: between
    900,000 and 972,000 octets, estimated 1,000,000 − 500·60 − 500·52 = 944,000.
    """
    amounts, packets = month.bytes, month.packets
    counted = (packets > 0) & (amounts >= SHORTEST * packets) & (amounts <= LONGEST * packets)
    least = np.where(counted, np.maximum(amounts - MOST_HEADERS * packets, 0.0), 0.0)
    most = np.where(counted, np.maximum(amounts - LEAST_HEADERS * packets, 0.0), amounts)
    acknowledging = packets * _acknowledging(month)
    estimate = amounts - ACKNOWLEDGEMENT * acknowledging - USUAL_HEADERS * (packets - acknowledging)
    value = np.where(counted, np.clip(estimate, least, most), amounts / 2)
    return Payload(value, least, most, month.variance, counted)


def _acknowledging(month: MonthCells) -> FloatArray:
    """Return the part of each cell's packets that acknowledge, by the packets of its platform and network both ways."""
    far_end = month.cells.select(pl.struct("platform", "remote_asn").rank("dense")).to_series().to_numpy()
    sent = np.bincount(far_end, month.packets * month.outward)[far_end]
    received = np.bincount(far_end, month.packets * ~month.outward)[far_end]
    own, other = np.where(month.outward, (sent, received), (received, sent))
    # Of no cells at all, numpy counts in whole numbers.
    answered = np.divide(other, ACKNOWLEDGED_TOGETHER * own, out=np.zeros(len(own)), where=own > 0)
    return np.asarray(np.minimum(answered, 1.0), dtype=np.float64)
