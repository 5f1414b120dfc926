"""Exporting processes behind one address: of exporters that are split, each UDP port that announces is one of its own."""

import numpy as np

from caudal.collector.columns.flowrecords import I32, U8, U16

MOST = 15  # of one exporter; the one that announced longest ago is given up for another


class Processes:
    """Numbers the processes of split exporters, from 1 on; 0 stands for an exporter as a whole.

    Most exporters are one process, whatever ports it uses, and no port of theirs is kept. One is split when two of its
    ports announce what cannot hold for both, or count by themselves. From then on what a port announced (templates,
    sampling rates, boot time) holds for what comes from that port.
    """

    def __init__(self) -> None:
        self._ports: dict[
            int, dict[int, int]
        ] = {}  # by exporter and port, the one that announced last at the end

    def __contains__(self, exporter: int) -> bool:
        return exporter in self._ports

    def split(self, exporter: int) -> bool:
        """Take an exporter for several processes from now on; return whether it was not before."""
        if exporter in self._ports:
            return False
        self._ports[exporter] = {}
        return True

    def number(self, exporter: int, port: int) -> int:
        """Return the process that sends from a port, 0 if none is known."""
        return self._ports.get(exporter, {}).get(port, 0)

    def announcing(self, exporter: int, port: int) -> tuple[int, bool]:
        """Return the process that announces something from a port, and whether it has the number of one given up for it."""
        ports = self._ports.get(exporter)
        if ports is None or not port:
            return 0, False
        number = ports.pop(port, 0)
        given_up = not number and len(ports) >= MOST
        if given_up:
            number = ports.pop(next(iter(ports)))
        elif not number:
            number = min(set(range(1, MOST + 1)) - set(ports.values()))
        ports[port] = number
        return number, given_up

    def port(self, exporter: int, process: int) -> int:
        """Return the port of a process; 0 of an exporter as a whole."""
        return next((port for port, number in self._ports.get(exporter, {}).items() if number == process), 0)

    def of(self, exporter: I32, port: U16) -> U8:
        """Return the process of each datagram by its exporter and port."""
        numbers = np.zeros(len(exporter), np.uint8)
        if self._ports:
            for each in self._ports.keys() & set(exporter.tolist()):
                of_it = exporter == each
                for known, number in self._ports[each].items():
                    numbers[of_it & (port == known)] = number
        return numbers

    def forget(self, exporter: int) -> None:
        """Forget an exporter."""
        self._ports.pop(exporter, None)
