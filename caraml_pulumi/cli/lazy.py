"""Subcommands that are imported only when they run, so that ``caraml --help`` stays quick."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter


_OF_THE_ROOT: Final = frozenset({"install_completion", "show_completion"})
"""Options that typer gives to every app, and that make sense only for the whole command."""


class LazyGroup(TyperGroup):
    """A group whose subcommands are named in `sources`: name -> (``module:attribute``, short help).

    The attribute is a `typer.Typer` app. Help and completion need no import; running a subcommand imports its module.
    """

    sources: ClassVar[Mapping[str, tuple[str, str]]] = {}
    sections: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The subcommands by heading, for the help; those that stand under none follow."""

    def __init__(self, **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]
        imported = dict(self.commands)
        self.commands.clear()
        for name, (_, help_text) in self.sources.items():
            self.add_command(TyperCommand(name, help=help_text), name)
        self.commands.update(imported)

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the subcommands, each under its heading."""
        shown = {name: command for name, command in self.commands.items() if not command.hidden}
        width = max((len(name) for name in shown), default=0)
        headed = [name for names in self.sections.values() for name in names]
        rest = {"Commands" if not headed else "This command": [name for name in shown if name not in headed]}
        for heading, names in (*self.sections.items(), *rest.items()):
            rows = [(name.ljust(width), shown[name].get_short_help_str(90)) for name in names if name in shown]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def resolve_command(self, ctx: "Context", args: list[str]) -> "tuple[str | None, Command | None, list[str]]":
        """The subcommand that `args` begin with, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        source = self.sources.get(name or "")
        return name, _load(source[0]) if source else command, rest


def _load(source: str) -> "Command":
    module, _, attribute = source.partition(":")
    command = typer.main.get_command(getattr(import_module(module), attribute))
    _write_plain_help(command)
    command.params = [option for option in command.params if option.name not in _OF_THE_ROOT]
    return command


def _write_plain_help(command: "Command") -> None:
    """Help without rich, whose import would take longer than anything else."""
    if isinstance(command, TyperCommand | TyperGroup):
        command.rich_markup_mode = None
    if isinstance(command, TyperGroup):
        for child in command.commands.values():
            _write_plain_help(child)
