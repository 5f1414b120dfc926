"""Reading SDMX data messages into observations, whatever form they have.

SDMX-ML 2.1 and 3.0 and SDMX-JSON are read by sdmx1; a structure-specific message needs its data structure
definition beside it. SDMX-CSV (1.0 as OECD writes it, 2.0) is read as the table it is.
"""

import csv
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from caudal.reference.files.errors import ImportFault
from caudal.reference.publishers.tables import opened

VALUE = "OBS_VALUE"

Observation = Mapping[str, str]


def observations_of(path: Path, structure: Path | None = None) -> Iterator[Observation]:
    """Yield the observations of a data message: dimensions, attributes and OBS_VALUE, all as text.

    `structure` holds the data structure definition that a structure-specific message needs. Raises
    ImportFault for what cannot be read.
    """
    if path.suffix.lower() in (".csv", ".zip"):
        yield from _from_csv(path)
    else:
        yield from _from_message(path, structure)


def _from_csv(path: Path) -> Iterator[Observation]:
    with opened(path) as lines:
        sample = lines.read(4096)
        lines.seek(0)
        # SDMX-CSV of some services is written with semicolons.
        delimiter = ";" if sample.split("\n", 1)[0].count(";") > sample.split("\n", 1)[0].count(",") else ","
        reader = csv.DictReader(lines, delimiter=delimiter, restval="", restkey="")
        names = [(name, name.split(":")[0].strip()) for name in reader.fieldnames or []]
        if VALUE not in {short for _, short in names}:
            raise ImportFault(f"{path}: has no column {VALUE}: it is not SDMX-CSV")
        for row in reader:
            # With labels, a cell is `CODE: label`.
            yield {
                short: (row[name] or "").split(": ")[0].strip()
                if short != name
                else (row[name] or "").strip()
                for name, short in names
            }


def _from_message(path: Path, structure: Path | None) -> Iterator[Observation]:
    # Imported here: it brings pandas, which nothing else of the reference needs.
    import sdmx  # noqa: PLC0415
    from sdmx.message import DataMessage, StructureMessage  # noqa: PLC0415

    with _quiet():
        try:
            definition = None
            if structure is not None:
                found = sdmx.read_sdmx(_content(structure))
                if not isinstance(found, StructureMessage) or not found.structure:
                    raise ImportFault(f"{structure}: holds no data structure definition")
                definition = next(iter(found.structure.values()))
            message = sdmx.read_sdmx(_content(path), structure=definition)
        except ImportFault:
            raise
        # The reader raises whatever its parsers raise.
        except Exception as error:
            hint = "" if structure else "; a structure-specific message needs --structure"
            problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ImportFault(f"{path}: cannot be read as SDMX: {problem}{hint}") from error
        if not isinstance(message, DataMessage):
            raise ImportFault(f"{path}: is SDMX, but not a data message")
        for dataset in message.data:
            for each in dataset.obs:
                cells: dict[str, str] = {}
                for key in (each.series_key, each.dimension):
                    for name, value in (key.values if key is not None else {}).items():
                        cells[str(name)] = str(value.value)
                for attached in (
                    each.series_key.attrib if each.series_key is not None else {},
                    each.attached_attribute,
                ):
                    cells |= {str(name): str(value.value) for name, value in attached.items()}
                cells[VALUE] = "" if each.value is None else str(each.value)
                yield cells


def _content(path: Path) -> BytesIO:
    # The reader does not close a file that it opens itself.
    try:
        return BytesIO(path.read_bytes())
    except OSError as error:
        raise ImportFault(f"{path}: cannot be read: {error.strerror}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the reader's log of what it tries off the terminal."""
    log = logging.getLogger("sdmx")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
