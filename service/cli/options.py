"""Options that several commands take, said in the same words."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path, typer.Option("--config", help="Settings of the service, as deploy/service.toml shows.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
