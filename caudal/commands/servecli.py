"""`caudal serve`: the service as a daemon."""

from pathlib import Path
from typing import Annotated

import typer

from caudal.common.privatefiles import private_files


def serve_command(
    config: Annotated[Path, typer.Option("--config", help="Settings, as deploy/service.toml shows.")],
) -> None:
    """Take batches from collectors and answer the API; until SIGTERM.

    SIGHUP reads token files, keys and people again.
    """
    from caudal.service.api.server import run
    from caudal.service.settings.settings import load_settings

    with private_files():
        raise typer.Exit(run(load_settings(config), lambda: load_settings(config)))
