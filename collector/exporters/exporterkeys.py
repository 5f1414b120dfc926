"""Keys of cells that the operator says of its exporters, such as the site where one stands: by the exporter's number."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from caudal.collector.columns.cellcode import word
from caudal.collector.columns.datagrams import Exporters
from caudal.collector.columns.flowrecords import U64
from caudal.collector.exporters.exporterprefixes import ByPrefix
from caudal.contract.columns import FLOWS

# By key: its values, by address, prefix or interface.
Told = Mapping[str, Mapping[str, str]]

KEYS: Final = tuple(column.name for column in FLOWS if column.of_exporter)


class ExporterKeys:
    """Keys that settings give exporters, as words of metering of a cell's code (`cellcode`).

    `number` gives the position of a value in the list of all values of a key, which grows. Nothing is told until `configure`.
    """

    def __init__(self, exporters: Exporters, number: Callable[[str, str], int]) -> None:
        self._exporters = exporters
        self._number = number
        self._told: dict[str, ByPrefix[int]] = {}
        self._of: tuple[int, int] | None = None  # the list of exporters that the words are of
        self._words: U64 = np.zeros(0, np.uint64)

    def configure(self, told: Told) -> None:
        """Go by these values from now on."""
        self._told = {
            key: ByPrefix({place: self._number(key, value) for place, value in told[key].items()})
            for key in KEYS
            if told.get(key)
        }
        self._of = None

    def words(self) -> U64:
        """Return the word of each exporter, by number, uint64; no words at all where nothing is told of any."""
        if not self._told:
            return self._words[:0]
        addresses = self._exporters.addresses
        if self._of != (of := (len(addresses), self._exporters.generation)):
            self._of = of
            self._words = np.zeros(len(addresses), np.uint64)
            for key, told in self._told.items():
                self._words |= word(key, np.array([told.get(each) or 0 for each in addresses], np.uint64))
        return self._words
