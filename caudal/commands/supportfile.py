"""The file that `caudal collect support` writes: a text that a person can read before sending it."""

import json
import os
import time
from pathlib import Path
from typing import Any

from caudal.collector.errors import StateError


def write_support(about: dict[str, Any], path: Path | None = None, *, wall: float | None = None) -> Path:
    """Write values as indented JSON to a file that did not exist, for its owner only; return where.

    Without a path it goes to the working directory, under the time of now. Raises StateError.
    """
    now = time.time() if wall is None else wall
    target = path or Path(time.strftime("caudal-support-%Y%m%dT%H%M%SZ.json", time.gmtime(now)))
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(about, file, indent=1, ensure_ascii=False, default=str)
            file.write("\n")
    except OSError as error:
        raise StateError(
            f"{target} cannot be written: {error.strerror}; give another file with -o"
        ) from error
    return target
