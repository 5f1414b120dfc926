"""Tells systemd how the collector is, by the protocol of sd_notify(3)."""

import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Sends to the socket that systemd named in the environment; without one it does nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        place = environment.get("NOTIFY_SOCKET", "")
        # A name that begins with @ is one of the abstract namespace.
        self._place = "\0" + place[1:] if place.startswith("@") else place
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        interval = environment.get("WATCHDOG_USEC", "")
        self._due_seconds = int(interval) / 2e6 if ours and interval.isdigit() and int(interval) else None
        self._sent = float("-inf")

    def ready(self, status: str) -> None:
        """Notify systemd that the collector works, at first and after each reload."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Notify systemd that settings are read again; `ready` has to follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Notify systemd that the collector ends."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Notify the watchdog, if there is one and half its time has passed."""
        now = time.monotonic()
        if self._due_seconds is not None and now - self._sent >= self._due_seconds:
            self._sent = now
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._place:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            try:
                out.connect(self._place)
                out.send(text.encode())
            except OSError:
                return  # nobody to tell is no reason to stop metering
