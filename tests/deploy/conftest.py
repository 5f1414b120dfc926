"""What tests of installing share: the package, built once, and machines to install it on."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.machine import Machine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collector as a Debian package."""
    absent = [name for name in ("dpkg-buildpackage", "dh", "fakeroot") if shutil.which(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} not installed")
    directory = tmp_path_factory.mktemp("package")
    built = subprocess.run(
        [ROOT / "deploy" / "debian" / "build", directory], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, (built.stdout + built.stderr)[-3000:]
    [found] = directory.glob("*.deb")
    return found


@pytest.fixture(scope="session")
def no_machine(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Why no machine can be had here, or ''."""
    if missing := Machine.missing():
        return missing
    status, output = Machine(tmp_path_factory.mktemp("machine")).run("echo started\n")
    return "" if (status, output) == (0, "started\n") else f"no machine starts here: {output.strip()[-300:]}"


@pytest.fixture
def machine(no_machine: str, tmp_path: Path) -> Machine:
    """A machine of one's own, or the reason why there is none."""
    if no_machine:
        pytest.skip(no_machine)
    return Machine(tmp_path)
