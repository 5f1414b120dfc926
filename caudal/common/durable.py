"""Files that survive a power cut: bytes on the disk before anybody goes on, and names in their directory."""

import os
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, readable by its owner only; when this returns its bytes are on the disk.

    Its name is not until `sync_directory`. Raises OSError, FileExistsError among them.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the disk, after files in it were made, renamed or removed; raises OSError."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
