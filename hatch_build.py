"""Says before an editable installation what the checkout lacks for it."""

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LINKED = ("collector", "dashboards", "reference", "service")


class LinkCheck(BuildHookInterface[BuilderConfig]):
    """Refuses `pip install --editable` in a checkout whose `caudal/` has no links; any other build needs none."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Raise SystemExit, with what to do, where `caudal/collector` and its like lead to no folder."""
        if version != "editable":
            return
        missing = [name for name in LINKED if not Path(self.root, "caudal", name).is_dir()]
        if missing:
            names = ", ".join(f"caudal/{name}" for name in missing)
            raise SystemExit(
                f"{names}: no links to the folders beside caudal/, which an editable installation needs. "
                "Make them with `git config core.symlinks true` and `git checkout -- caudal` "
                "(on Windows with Developer Mode on), or install with `pip install .`, which needs none."
            )
