"""`caudal serve`: the service as a daemon."""

from pathlib import Path
from typing import Annotated

import typer

from caudal.common.options import Format, Level
from caudal.common.privatefiles import private_files


def serve_command(
    config: Annotated[Path, typer.Option("--config", help="Settings, as deploy/service.toml shows.")],
    log_level: Level = None,
    log_format: Format = None,
) -> None:
    """Take batches from collectors and answer the API; until SIGTERM.

    SIGHUP reads token files, keys and people again.
    """
    from caudal.service.api.server import run
    from caudal.service.settings.settings import load_settings

    settings = load_settings(config)
    given = {"log_level": log_level, "log_format": log_format}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value})
    with private_files():
        raise typer.Exit(run(settings, lambda: load_settings(config)))
