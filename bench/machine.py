"""What the figures were measured on, and the cores that take part."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PEERS = ("nfdump", "pmacct", "softflowd")
_PACKAGES = ("numpy", "polars", "pyarrow", "chdb-core", "scapy", "netflume")


@dataclass(frozen=True)
class Machine:
    """A machine and its software, as text to publish; `busy` is the load average of the minute before."""

    date: str
    processor: str
    cores: int
    memory_gib: int
    system: str
    python: str
    caudal: str
    packages: dict[str, str]
    peers: dict[str, str]
    busy: float


def describe() -> Machine:
    """Return this machine."""
    import caudal

    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        python=platform.python_version(),
        caudal=caudal.__version__,
        packages={name: _version(name) for name in _PACKAGES},
        peers={name: _debian_version(name) for name in _PEERS},
        busy=round(os.getloadavg()[0], 2),
    )


def pin(core: int | None = None) -> tuple[int, ...]:
    """Keep this thread, and every thread and process it starts, on one core; return all it could use.

    Without `core` the first is taken. Threads that run already stay where they are: pin before importing
    libraries that start some.
    """
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    os.sched_setaffinity(0, {allowed[0] if core is None else core})
    return allowed


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _debian_version(package: str) -> str:
    try:
        said = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Version}", package],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "missing"
    return said.stdout or "missing"
