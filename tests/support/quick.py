"""Which files of tests are quick: those of `make fast`.

No list that grows old: a file is quick whose text names nothing that takes its time, and while only quick files run,
whatever starts a process fails.
"""

import re
import sys
from pathlib import Path

# Processes and machines, stores and services, the demo, inputs drawn by the hundred, documents that are typeset.
_SLOW = re.compile(
    r"\b(subprocess|multiprocessing|fork|Store|store|Service|world|demo_run|machine|package|client|httpx|socket|"
    r"CliRunner|invoke|hypothesis|schemathesis|gzip|hindcast|render|validation|effort|growth|kill\w*)\b"
)


def is_quick(path: Path) -> bool:
    """Return whether a file of tests names nothing that takes its time."""
    return _SLOW.search(path.read_text(encoding="utf-8")) is None


def forbid_processes() -> None:
    """Have whoever starts a process in this one fail, for good."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
            raise AssertionError(
                f"a test of make fast starts a process ({arguments[0]!r:.60}): have its file name what does, or leave it out "
                "in tests/support/quick.py"
            )

    sys.addaudithook(hook)
