"""A release is made by one command, in a clone that is thrown away."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copyfile

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("CHANGELOG.md", "CITATION.cff", "caudal/__init__.py", "project/__init__.py", "project/release.py")
# Nothing of who runs the tests: neither a name, nor a key to sign with, nor hooks.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "A maintainer" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "maintainer@caudal.invalid" for who in ("AUTHOR", "COMMITTER")},
}


class Clone:
    """A repository that holds what a release changes and what makes one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in FILES:
            (directory / name).parent.mkdir(exist_ok=True)
            copyfile(ROOT / name, directory / name)
        self.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- **Reports** can be read.\n")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            env=ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def read(self, name: str) -> str:
        return (self.directory / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text, encoding="utf-8")

    def release(self, version: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-m", "project.release", version, "--date", "2026-12-24"]
        environment = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=self.directory, env=environment, check=False, capture_output=True, text=True
        )

    def state(self) -> tuple[str, str, str]:
        return self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), self.git("tag")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_a_release_is_numbered_committed_and_tagged(clone: Clone) -> None:
    done = clone.release("0.2.0")
    assert done.returncode == 0, done.stderr
    assert "git push --atomic origin HEAD v0.2.0\n" in done.stdout
    assert clone.read("CHANGELOG.md") == (
        "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-24\n\n- **Reports** can be read.\n"
    )
    assert '__version__ = "0.2.0"\n' in clone.read("caudal/__init__.py")
    assert "\nversion: 0.2.0\ndate-released: 2026-12-24\nlicense: MIT\n" in clone.read("CITATION.cff")
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("log", "-1", "--format=%s") == "release 0.2.0\n"
    assert clone.git("cat-file", "-t", "v0.2.0") == "tag\n"
    assert clone.git("rev-parse", "v0.2.0^{commit}") == clone.git("rev-parse", "HEAD")
    assert clone.git("tag", "--list", "--format=%(contents)", "v0.2.0").strip() == (
        "Caudal 0.2.0\n\n- **Reports** can be read."
    )


def test_releases_follow_each_other(clone: Clone) -> None:
    clone.release("0.9.0")
    changelog = clone.read("CHANGELOG.md")
    clone.write(
        "CHANGELOG.md", changelog.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n\n- Sums.\n")
    )
    clone.commit()
    assert clone.release("0.10.0").returncode == 0
    assert clone.read("CHANGELOG.md") == (
        "# Changelog\n\n## Unreleased\n\n## 0.10.0 - 2026-12-24\n\n### Fixed\n\n- Sums.\n\n"
        "## 0.9.0 - 2026-12-24\n\n- **Reports** can be read.\n"
    )
    assert clone.read("CITATION.cff").count("date-released:") == 1
    assert clone.git("tag", "--list", "--format=%(contents)", "v0.10.0").strip() == (
        "Caudal 0.10.0\n\n### Fixed\n\n- Sums."
    )


@pytest.mark.parametrize("version", ["1", "v1.0.0", "1.0", "01.0.0", "1.0.0rc1"])
def test_a_version_is_three_numbers(version: str, clone: Clone) -> None:
    before = clone.state()
    done = clone.release(version)
    assert done.returncode == 1
    assert done.stderr == f"release: '{version}' is no version: write three numbers, such as VERSION=1.2.0\n"
    assert clone.state() == before


def test_what_is_not_committed_is_not_released(clone: Clone) -> None:
    clone.write("notes", "")
    before = clone.state()
    done = clone.release("0.2.0")
    assert done.returncode == 1
    assert done.stderr == ("release: not everything is committed: commit or set aside first\n?? notes\n")
    assert clone.state() == before


def test_a_version_is_newer_than_the_last(clone: Clone) -> None:
    clone.git("tag", "v0.10.0")
    clone.git("tag", "vendor")
    before = clone.state()
    for version in ("0.10.0", "0.9.0"):
        done = clone.release(version)
        assert done.returncode == 1
        assert f"{version} is not newer than 0.10.0, the last release" in done.stderr
    assert clone.state() == before


@pytest.mark.parametrize(
    ("changelog", "says"),
    [
        ("# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-01-01\n\n- All.\n", "has nothing under"),
        ("# Changelog\n\n## 0.1.0 - 2026-01-01\n\n- All.\n", "has no heading"),
    ],
)
def test_a_release_says_what_it_means(changelog: str, says: str, clone: Clone) -> None:
    clone.write("CHANGELOG.md", changelog)
    clone.commit()
    before = clone.state()
    done = clone.release("0.2.0")
    assert done.returncode == 1
    assert done.stderr.startswith(f"release: CHANGELOG.md {says}")
    assert clone.state() == before


def test_the_changelog_of_now_can_be_released(clone: Clone) -> None:
    copyfile(ROOT / "CHANGELOG.md", clone.directory / "CHANGELOG.md")
    clone.write("notes", "so that something is committed")
    clone.commit()
    assert clone.release("99.0.0").returncode == 0
