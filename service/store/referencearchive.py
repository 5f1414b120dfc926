"""The archive of the reference: every version whole in the store, so that a vintage can be computed again with its own.

Kept are the files as they were written, those of the package and those of the overlay, and they are read
back by the one loader there is. Address tables are not kept: where an address lies is decided at the collector.
"""

import csv
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from caudal.reference import FILES, Reference, ReferenceDataError, load_reference, older
from caudal.reference.reading.facts import DATA
from caudal.service.errors import QuestionError
from caudal.service.store.referencerows import keeps_files, kept_file_names, kept_files
from caudal.service.store.store import Store

_SHIPPED, _OVERLAY = "data", "overlay"


def archive_reference(store: Store, reference: Reference, overlay: Path | None) -> bool:
    """Keep the files that a version was loaded from; return whether they had to be written.

    All of them are written or none. Raises QuestionError where they are no longer those it was loaded from.
    """
    if keeps_files(store, reference.version):
        return False
    places = [(_SHIPPED, DATA)] + ([(_OVERLAY, overlay)] if overlay is not None else [])
    files = {
        f"{layer}/{file.filename}": (directory / file.filename).read_text(encoding="utf-8")
        for layer, directory in places
        for file in FILES
        if (directory / file.filename).is_file()
    }
    if _read(files).version != reference.version:
        raise QuestionError(
            f"the files of reference {reference.version} were changed since they were read; start the service again"
        )
    rows = pa.table(
        {
            "version": pa.repeat(pa.scalar(reference.version), len(files)),
            "file": list(files),
            "content": list(files.values()),
        }
    )
    store.insert("reference_file", rows, token=f"{reference.version} files")
    return True


def archived_reference(store: Store, version: str) -> Reference:
    """Return a version of the reference as it was kept; raise QuestionError where it was not, or cannot be read.

    Files of an earlier version are read in today's columns (`reference/older`); those that it did not have yet are
    the package's of today, which `files_of_today` names.
    """
    files = kept_files(store, version)
    if not files:
        raise QuestionError(f"reference version {version} is not kept in this store")
    try:
        files = dict(_in_todays_form(files))
        # The name also covers the address tables of the package, which may be others by now.
        return replace(_read(files), version=version)
    except (ReferenceDataError, csv.Error) as error:
        raise QuestionError(
            f"reference version {version} was written for another version of Caudal: {error}"
        ) from error


def files_of_today(store: Store, version: str) -> tuple[str, ...]:
    """Return the files of facts that a version that is kept did not have yet, as FILE.csv."""
    kept = kept_file_names(store, version)
    return tuple(file.filename for file in FILES if f"{_SHIPPED}/{file.filename}" not in kept)


def _in_todays_form(kept: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield files as `archive_reference` keeps them in today's columns, with the package's where there was none."""
    for file in FILES:
        for layer in (_SHIPPED, _OVERLAY):
            name = f"{layer}/{file.filename}"
            if name in kept:
                yield name, older.converted(file, kept[name], shipped=layer == _SHIPPED)
            elif layer == _SHIPPED:
                yield name, (DATA / file.filename).read_text(encoding="utf-8")


def _read(files: dict[str, str]) -> Reference:
    with tempfile.TemporaryDirectory(prefix="caudal-reference-") as name:
        root = Path(name)
        for layer in (_SHIPPED, _OVERLAY):
            (root / layer).mkdir()
        for file, text in files.items():
            layer, _, filename = file.partition("/")
            (root / layer / filename).write_text(text, encoding="utf-8", newline="")
        overlay = root / _OVERLAY if any(file.startswith(f"{_OVERLAY}/") for file in files) else None
        return load_reference(overlay, root / _SHIPPED)
