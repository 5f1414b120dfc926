"""Files that root puts into a state directory belong to whom the directory belongs to: the user that the collector runs as."""

import os
from pathlib import Path


class StateOwner:
    """Gives files and directories to the owner of a state directory; where this process is not root they are its own anyway."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def give(self, path: Path) -> Path:
        """Make `path` the owner's, and return it; raise OSError."""
        if os.geteuid() == 0:
            owner = self._directory.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
        return path

    def make(self, directory: Path) -> Path:
        """Make a directory that is for the owner only, where there is none yet, and return it; raise OSError."""
        if not directory.is_dir():
            directory.mkdir(mode=0o700)
            self.give(directory)
        return directory
