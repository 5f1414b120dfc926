"""Makes a release: `make release VERSION=1.2.0` numbers the changelog, writes the version, commits and tags.

Nothing is pushed. A release changes the three files named here.
"""

import argparse
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

CHANGELOG = "CHANGELOG.md"
PACKAGE = "caudal/__init__.py"
CITATION = "CITATION.cff"
UNRELEASED = "## Unreleased"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_WRITTEN = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


class ReleaseError(Exception):
    """No release can be made; the message says why, and what to do."""


def number(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a version: "1.2.0" is (1, 2, 0)."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ReleaseError(f"{version!r} is no version: write three numbers, such as VERSION=1.2.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def released(changelog: str, version: str, day: date) -> tuple[str, str]:
    """Return the changelog with "Unreleased" numbered and a new, empty one above it, and the section's own text."""
    before, heading, rest = changelog.partition(f"{UNRELEASED}\n")
    if not heading:
        raise ReleaseError(f'{CHANGELOG} has no heading "{UNRELEASED}": write one above the last release')
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    if not section.strip():
        raise ReleaseError(
            f'{CHANGELOG} has nothing under "{UNRELEASED}": say what the release means to users'
        )
    return f"{before}{heading}\n## {version} - {day}\n{rest}", section.strip()


def cited(citation: str, version: str, day: date) -> str:
    """Return CITATION.cff of this version and day."""
    lines = [line for line in citation.splitlines() if not line.startswith("date-released:")]
    at = next((index for index, line in enumerate(lines) if line.startswith("version:")), None)
    if at is None:
        raise ReleaseError(f"{CITATION} has no line that begins with version: write one")
    lines[at : at + 1] = [f"version: {version}", f"date-released: {day}"]
    return "\n".join(lines) + "\n"


class Checkout:
    """A clone of the repository in which a release is made."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        """Return what git says, or raise ReleaseError with its complaint."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=False, capture_output=True, text=True, encoding="utf-8"
        )
        if done.returncode:
            raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def check(self, version: str) -> None:
        """Raise ReleaseError unless everything is committed and the version is newer than every tag."""
        asked = number(version)
        changed = self.git("status", "--porcelain")
        if changed:
            raise ReleaseError(f"not everything is committed: commit or set aside first\n{changed}")
        tags = [tag[1:] for tag in self.git("tag", "--list", "v*").split() if _VERSION.fullmatch(tag[1:])]
        newest = max(tags, key=number, default=None)
        if newest is not None and asked <= number(newest):
            raise ReleaseError(
                f"{version} is not newer than {newest}, the last release: choose a higher number"
            )
        written = _WRITTEN.search(self.read(PACKAGE))
        if written is None:
            raise ReleaseError(f'{PACKAGE} has no line __version__ = "…": write one')

    def release(self, version: str, day: date) -> None:
        """Write, commit and tag the version."""
        self.check(version)
        changelog, notes = released(self.read(CHANGELOG), version, day)
        files = {
            CHANGELOG: changelog,
            PACKAGE: _WRITTEN.sub(f'__version__ = "{version}"', self.read(PACKAGE)),
            CITATION: cited(self.read(CITATION), version, day),
        }
        for name, text in files.items():
            (self.root / name).write_text(text, encoding="utf-8", newline="\n")
        self.git("commit", "--quiet", "--message", f"release {version}", "--", *files)
        # Headings of the changelog begin with #, which git would take for comments.
        self.git(
            "tag",
            "--annotate",
            "--cleanup=whitespace",
            "--message",
            f"Caudal {version}\n\n{notes}",
            f"v{version}",
        )


def main(arguments: list[str]) -> int:
    """Make the release that is asked for; say what to push, or on standard error why there is none."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version", help="three numbers, such as 1.2.0")
    parser.add_argument(
        "--date", type=date.fromisoformat, help="the day of the release; today (UTC) if left out"
    )
    asked = parser.parse_args(arguments)
    try:
        checkout = Checkout(Path.cwd())
        checkout.release(asked.version, asked.date or datetime.now(UTC).date())
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(
        f"v{asked.version} is committed and tagged here. Look at it with `git show v{asked.version}`; to publish it:\n"
        f"    git push --atomic origin HEAD v{asked.version}\n"
        "To undo it before that:\n"
        f"    git tag --delete v{asked.version} && git reset --keep HEAD~"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
