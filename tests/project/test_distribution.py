"""The wheel holds one package, whatever a checkout made of the links in caudal/; `import collector` is refused."""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("collector", "dashboards", "reference", "service")
FILES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore")


def checkout(directory: Path) -> Path:
    """Copy to `directory` what a build reads, with the links in caudal/ as links."""
    for name in ("caudal", *FOLDERS):
        copytree(ROOT / name, directory / name, symlinks=True, ignore=ignore_patterns("__pycache__"))
    for name in FILES:
        (directory / name).write_bytes((ROOT / name).read_bytes())
    return directory


def build(source: Path, kind: str) -> Path:
    """Return the one distribution of this kind that `source` builds, in source/dist."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = (source / "dist").glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def build_editable(source: Path) -> subprocess.CompletedProcess[str]:
    """Ask for what `pip install --editable` asks for."""
    command = "from hatchling.build import build_editable; build_editable('dist')"
    return subprocess.run(
        [sys.executable, "-c", command], cwd=source, check=False, capture_output=True, text=True
    )


def contents(wheel: Path) -> dict[str, bytes]:
    """Return what the wheel holds, by name; RECORD has the digest of each."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def without_links(source: Path) -> None:
    for name in FOLDERS:
        (source / "caudal" / name).unlink()


def links_as_text(source: Path) -> None:
    """Do as git does where `core.symlinks` is false."""
    for name in FOLDERS:
        link = source / "caudal" / name
        target = str(link.readlink())
        link.unlink()
        link.write_text(target, encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a checkout as it should be."""
    return build(checkout(tmp_path_factory.mktemp("ordinary")), "wheel")


def test_the_wheel_holds_every_file_of_the_packages_once(wheel: Path) -> None:
    expected = {
        (path if path.is_relative_to("caudal") else "caudal" / path).as_posix()
        for name in ("caudal", *FOLDERS)
        for path in (each.relative_to(ROOT) for each in (ROOT / name).rglob("*") if each.is_file())
        if "__pycache__" not in path.parts and path.parts[:2] not in {("caudal", each) for each in FOLDERS}
    }
    assert "caudal/py.typed" in expected
    assert {name for name in contents(wheel) if ".dist-info/" not in name} == expected


@pytest.mark.parametrize("spoil", [without_links, links_as_text], ids=lambda each: each.__name__)
def test_a_checkout_without_links_builds_the_same_wheel(
    spoil: Callable[[Path], None], wheel: Path, tmp_path: Path
) -> None:
    source = checkout(tmp_path)
    spoil(source)
    assert contents(build(source, "wheel")) == contents(wheel)


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = build(checkout(tmp_path / "checkout"), "sdist")
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    assert contents(build(tmp_path / archive.name.removesuffix(".tar.gz"), "wheel")) == contents(wheel)


def test_an_editable_installation_needs_the_links_and_says_so(tmp_path: Path) -> None:
    source = checkout(tmp_path)
    assert build_editable(source).returncode == 0
    links_as_text(source)
    refused = build_editable(source)
    assert refused.returncode != 0
    assert refused.stderr.startswith(
        "caudal/collector, caudal/dashboards, caudal/reference, caudal/service: "
    )
    assert "git config core.symlinks true" in refused.stderr


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_at_the_root_is_no_second_package(name: str) -> None:
    """Imported as `collector`, every module would be loaded twice, and would not be found once installed."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stderr.endswith(f"ImportError: this is caudal.{name}: write `import caudal.{name}`\n")
