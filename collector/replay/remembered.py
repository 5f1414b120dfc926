"""The collector's memory of exporters, lent to a replay: read, and never changed."""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from caudal.collector.columns.datagrams import Exporters
from caudal.collector.decode.decoder import Decoder
from caudal.collector.decode.exporterstate import ExporterState, PointState, from_json
from caudal.collector.memory import statefile
from caudal.collector.memory.statefile import DamagedState, Entry
from caudal.collector.replay.survey import Announced


class Remembered:
    """Templates and rates out of the state file, for exporters whose capture does not announce them itself.

    A template that the capture announces is left out: what the router sends by now may be another one. Where its sequence
    numbers stand is left out as well: the capture is of another time.
    """

    def __init__(
        self,
        path: Path,
        exporters: Exporters,
        decoder: Decoder,
        name: Callable[[str], str],
        announced: Collection[Announced],
    ) -> None:
        self._exporters, self._decoder, self._name = exporters, decoder, name
        self._announced = announced
        self.unreadable = ""  # why nothing is remembered, if it should be
        self._entries: dict[str, Entry] = {}
        try:
            # Not by what the collector itself reads it with: that puts a damaged file aside.
            self._entries = statefile.decode(path.read_bytes())
        except FileNotFoundError:
            pass
        except DamagedState as error:
            self.unreadable = str(error)
        except OSError as error:
            self.unreadable = error.strerror or str(error)

    def recall(self) -> None:
        """Give the decoder the collector's knowledge of exporters that have just got a number."""
        for number in self._exporters.take_new():
            address = self._exporters.addresses[number]
            entry = self._entries.get(self._name(address)) if address else None
            if entry is None:
                continue
            try:
                state = from_json(entry.state)
            except ValueError:
                continue
            points = tuple(self._lent(address, point) for point in state.points)
            self._decoder.restore(number, ExporterState(points))

    def _lent(self, address: str, point: PointState) -> PointState:
        templates = {
            number: known
            for number, known in point.templates.items()
            if (address, point.protocol, point.observation_domain, number) not in self._announced
        }
        return replace(point, templates=templates, followed={})
