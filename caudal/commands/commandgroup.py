"""Groups of commands whose modules are imported when one of them is called, and which say errors in one line."""

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from caudal.common.errors import CaudalError
from caudal.common.logline import line

EXIT_REFUSED = 2


class DeferredCommand(TyperCommand):
    """The name and the one-line help of a command, or of a group of them, that is defined in a module.

    `typed` is what the module calls it: a function, or a `typer.Typer`.
    """

    def __init__(self, name: str, module: str, typed: str, help_line: str) -> None:
        super().__init__(name, help=help_line, rich_markup_mode=None)
        self._module = module
        self._typed = typed

    def load(self) -> TyperCommand | TyperGroup:
        """Import the module and return the command that it defines."""
        typed = getattr(import_module(self._module), self._typed)
        if not isinstance(typed, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(self.name)(typed)
            typed = single
        if typed.registered_groups or len(typed.registered_commands) > 1:
            return typer.main.get_group(typed)
        command = typer.main.get_command(typed)
        assert isinstance(command, TyperCommand)
        return command


class CommandGroup(TyperGroup):
    """Commands by name, of which those in `deferred` are imported when they are called or completed.

    A CaudalError of any command is said in one line on standard error, and ends it with 2.
    """

    deferred: ClassVar[tuple[DeferredCommand, ...]] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        own = dict(self.commands)
        self.commands = {each.name: each for each in self.deferred if each.name is not None} | own

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return name, command and the other words of a command line; import the command's module."""
        name, command, others = super().resolve_command(ctx, args)
        if isinstance(command, DeferredCommand):
            command = command.load()
        return name, command, others

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except CaudalError as error:
            typer.echo(f"caudal: {line(str(error))}", err=True)
            raise typer.Exit(EXIT_REFUSED) from None
