"""Which exporters were heard, how much and when last."""

from collections.abc import Sequence

import numpy as np

from caudal.collector.columns.datagrams import Datagrams
from caudal.collector.columns.flowrecords import I64, Mask


class ExporterActivity:
    """Counts datagrams by the exporter's number; grows with the numbers there are."""

    def __init__(self) -> None:
        self._datagrams: I64 = np.zeros(64, np.int64)
        self._last_ms: I64 = np.zeros(64, np.int64)
        self._told: Mask = np.zeros(64, np.bool_)

    @property
    def count(self) -> int:
        """The number of exporters heard."""
        return int(np.count_nonzero(self._datagrams))

    def note(self, datagrams: Datagrams) -> None:
        """Count a lot of datagrams; those of exporters without a number are not counted."""
        exporter = datagrams.exporter
        most = int(exporter.max(initial=-1))
        if most >= len(self._datagrams):
            more = max(len(self._datagrams), most + 1 - len(self._datagrams))
            self._datagrams = np.concatenate([self._datagrams, np.zeros(more, np.int64)])
            self._last_ms = np.concatenate([self._last_ms, np.zeros(more, np.int64)])
            self._told = np.concatenate([self._told, np.zeros(more, np.bool_)])
        if int(exporter.min(initial=0)) < 0:
            known = exporter >= 0
            exporter, received = exporter[known], datagrams.received_ms[known]
        else:
            received = datagrams.received_ms
        counts = np.bincount(exporter, minlength=1)
        self._datagrams[: len(counts)] += counts
        self._last_ms[exporter] = received

    def forget(self, exporters: Sequence[int]) -> None:
        """Count these numbers anew: other exporters may get them."""
        gone = [number for number in exporters if number < len(self._datagrams)]
        self._datagrams[gone] = 0
        self._told[gone] = False

    def take_new(self) -> list[int]:
        """Return the numbers of exporters that were heard first since the last call."""
        new = np.flatnonzero((self._datagrams > 0) & ~self._told)
        self._told[new] = True
        return new.tolist()

    def last_ms(self, exporter: int) -> int:
        """Return when an exporter was heard last (ms since 1970), 0 if it was not."""
        heard = exporter < len(self._datagrams) and self._datagrams[exporter]
        return int(self._last_ms[exporter]) if heard else 0
