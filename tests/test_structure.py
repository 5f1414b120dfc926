"""The rules about which package may import which hold (pyproject.toml, [tool.importlinter])."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_each_package_imports_only_what_stands_below_it() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


def test_packages_are_imported_under_their_installed_name() -> None:
    """`import collector` would work from a checkout, load every module twice, and fail once installed."""
    names = ("collector", "service", "dashboards", "reference")
    for package in (*names, "caudal", "tests", "bench"):
        for path in (ROOT / package).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                for name in names:
                    assert not line.startswith((f"from {name}.", f"from {name} ", f"import {name}")), (
                        f"{path}: {line}"
                    )
