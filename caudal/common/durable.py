"""Files that survive a power cut: bytes on the disk before anybody goes on, and names in their directory."""

import os
from contextlib import suppress
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, readable by its owner only; when this returns its bytes are on the disk.

    Its name is not until `sync_directory`. Raises OSError, FileExistsError among them.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_synced(path: Path, content: bytes) -> None:
    """Put a file in its place by one rename, its bytes on the disk by then, its name only after `sync_directory`.

    It is written beside its place as `.partial`; what a kill left there is removed, and so is what cannot be finished. Raises
    OSError.
    """
    partial = path.with_suffix(".partial")
    try:
        partial.unlink(missing_ok=True)
        write_synced(partial, content)
        partial.rename(path)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the disk, after files in it were made, renamed or removed; raises OSError."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
