"""A machine to install on: this one with a fresh layer over its disk, and systemd as its process 1.

What is written there is gone afterwards. The network is that of this machine, so that a service on loopback is reached.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Run in a name space of mounts of its own; "$1" is an empty directory, "$2" the script, then what it is given.
_BOOT = r"""
set -e
umask 022  # of the layer the root directory is made, which users other than root must pass
was=$(sed -n 's/^0:://p' /proc/self/cgroup)
groups=
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
  [ -w "$hierarchy$was/cgroup.procs" ] || continue
  groups="$groups $hierarchy$was"
  mkdir "$hierarchy$was/caudal-test-$$" && echo $$ > "$hierarchy$was/caudal-test-$$/cgroup.procs"
done
mount -t tmpfs layer "$1"
mkdir "$1/over" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/over,workdir=$1/work" "$1/root"
cp "$2" "$1/root/script"
place="$1"; shift 2; cp -R "$@" "$place/root/root/"; set -- "$place"
cat > "$1/root/etc/systemd/system/script.service" <<UNIT
[Service]
Type=oneshot
Environment=HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WorkingDirectory=/root
ExecStart=/bin/bash -eu /script
StandardOutput=file:/output
StandardError=inherit
ExecStopPost=/bin/sh -c 'echo \$EXIT_STATUS > /status; systemctl exit'
UNIT
systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe --link-journal=no --resolv-conf=off \
  --directory "$1/root" systemd.unit=script.service >/dev/null 2>"$1/nspawn" </dev/null || true
for group in $groups; do
  echo $$ > "$group/cgroup.procs"
  find "$group/caudal-test-$$" -depth -type d -exec rmdir {} ';' || true
done
cat "$1/root/output" || cat "$1/nspawn"
exit "$(cat "$1/root/status")"
"""


@dataclass(frozen=True)
class Machine:
    """What it takes to boot one, in a directory; each script runs on a machine of its own."""

    directory: Path

    @staticmethod
    def missing() -> str:
        """Return what this machine lacks for it, or ''."""
        if os.geteuid() != 0:
            return "only root may mount and boot"
        absent = [name for name in ("unshare", "systemd-nspawn") if shutil.which(name) is None]
        if absent:
            return f"{', '.join(absent)} not installed"
        probe = "mount -t tmpfs t /mnt && mkdir /mnt/a /mnt/b && mount -t overlay o -o lowerdir=/,upperdir=/mnt/a,workdir=/mnt/b /mnt"
        tried = subprocess.run(
            ["unshare", "-m", "sh", "-c", probe], capture_output=True, text=True, check=False
        )
        return f"no layer can be mounted: {tried.stderr.strip()}" if tried.returncode else ""

    def run(self, script: str, *files: Path) -> tuple[int, str]:
        """Run a script as root on a machine that has just started; return its exit status and what it printed.

        It begins in a directory that holds copies of the files. /tmp is empty there, as after every start.
        """
        layer, file = self.directory / "layer", self.directory / "script"
        layer.mkdir(exist_ok=True)
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [
                "unshare",
                "-m",
                "bash",
                "-c",
                _BOOT,
                "boot",
                str(layer),
                str(file),
                str(file),
                *map(str, files),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr
