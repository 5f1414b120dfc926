"""What a process and its children use, and what the kernel drops at a UDP port, as /proc tells."""

import os
from collections.abc import Iterator
from pathlib import Path

CLOCK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all its living descendants."""
    yield pid
    try:
        tasks = list((_PROC / str(pid) / "task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text("ascii").split()]
    except OSError:
        return
    for child in children:
        yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children, living and waited for, the kernel's part included."""
    ticks = 0
    for each in tree(pid):
        try:
            fields = (_PROC / str(each) / "stat").read_text("ascii").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks * CLOCK_SECONDS


def memory_bytes(pid: int, what: str = "VmHWM") -> int:
    """Return the resident memory of a process and its living children: the peak, or now with `VmRSS`.

    Pages that children share with their parent are counted for each.
    """
    total = 0
    for each in tree(pid):
        try:
            lines = (_PROC / str(each) / "status").read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith(what + ":"))
    return total


def udp_port(port: int) -> tuple[int, int] | None:
    """Return (octets waiting, datagrams dropped) of the sockets at a UDP port; None if there is no socket."""
    waiting = dropped = sockets = 0
    for table in ("udp", "udp6"):
        try:
            lines = (_PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port:
                sockets += 1
                waiting += int(columns[4].partition(":")[2], 16)
                dropped += int(columns[-1])
    return (waiting, dropped) if sockets else None
