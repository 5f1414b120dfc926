"""The package of the collector: what is in it, and that it is installed and purged without a trace."""

import subprocess
from pathlib import Path

from tests.deploy.machine import Machine

CAPTURE = Path(__file__).parents[1] / "data" / "field" / "totals_told_again.pcap"
# In KiB, as Debian counts. LLVM is 160,000 of it, Arrow 90,000, numpy and numba 75,000.
MOST_INSTALLED = 400_000


def test_what_is_in_it(package: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    for name in ("chdb", "typst", "scipy", "pandas", "polars", "fastapi", "pip"):
        assert f"/site-packages/{name}/" not in listed, name
    for path in (
        "/lib/systemd/system/caudal-collector.service",
        "/lib/systemd/system/caudal-collector@.service",
    ):
        assert f".{path}\n" in listed
    size = subprocess.run(
        ["dpkg-deb", "-f", package, "Installed-Size"], capture_output=True, text=True, check=True
    ).stdout
    assert int(size) < MOST_INSTALLED


def test_installed_and_purged(package: Path, machine: Machine) -> None:
    script = r"""
mount | grep -q ' / .*overlay'
dpkg -i caudal-collector_*.deb
[ "$(caudal version)" = "$(dpkg-query -f '${Version}' -W caudal-collector)" ]
caudal inspect totals_told_again.pcap | tail -3
[ "$(systemctl is-enabled caudal-collector)" = disabled ]
[ "$(systemctl is-active caudal-collector || true)" = inactive ]
caudal meter totals_told_again.pcap --home 198.51.100.0/24 --economy CL && exit 1
# What is left by an operator goes as well.
systemctl enable caudal-collector
echo secret > /etc/caudal/collector.token
mkdir -p /var/lib/private/caudal-collector/spool
ln -s private/caudal-collector /var/lib/caudal-collector
dpkg --remove caudal-collector
[ -e /etc/caudal/collector.toml ] && [ -d /var/lib/caudal-collector/spool ]
dpkg --purge caudal-collector
for left in /etc/caudal /opt/caudal /var/lib/caudal-collector /var/lib/private/caudal-collector /usr/bin/caudal \
    /etc/systemd/system/multi-user.target.wants/caudal-collector.service; do
  [ ! -e $left ] && [ ! -L $left ] || { echo "left: $left"; ls -laR $left; exit 1; }
done
dpkg-query -W caudal-collector 2>/dev/null && exit 1
echo gone
"""
    status, output = machine.run(script, package, CAPTURE)
    assert status == 0, output
    assert output.endswith("gone\n"), output
