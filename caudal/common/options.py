"""Options that several commands take, said in the same words."""

from pathlib import Path
from typing import Annotated

import typer

from caudal.common.daemonlog import LogFormat, LogLevel

Config = Annotated[
    Path, typer.Option("--config", help="Settings of the service, as deploy/service.toml shows.")
]
Level = Annotated[
    LogLevel | None, typer.Option("--log-level", help="The least to log, whatever the settings say.")
]
Format = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="Lines of text, or of JSON, whatever the settings say."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
