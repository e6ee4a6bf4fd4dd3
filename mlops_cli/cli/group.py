"""The Typer group of all commands, which imports a command when it is asked for."""

import importlib
import keyword
from collections.abc import Callable, MutableMapping
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from mlops_cli.cli.help import page, usual_of
from mlops_cli.cli.table import COMMANDS

_HELP = ("-h", "--help")


class _Context(typer.Context):
    """A context whose help is laid out as `cli/help.py` does."""

    def get_help(self) -> str:
        return page(self)


class LazyGroup(TyperGroup):
    """All of `mlo`. Names come from the table, commands from their modules, each on demand."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(rich_markup_mode=None, suggest_commands=False, **settings)
        self.context_settings = {"help_option_names": list(_HELP)}
        self._loaded: MutableMapping[str, Any] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command, importing its module; None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self._loaded:
            self._loaded[cmd_name] = load(cmd_name)
        return self._loaded[cmd_name]

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the commands that start so, without importing any."""
        from typer._click.shell_completion import CompletionItem

        return [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]


def module_of(name: str) -> str:
    """Return what Python calls a command.

    >>> module_of("import"), module_of("import-dvc")
    ('import_', 'import_dvc')
    """
    return name.replace("-", "_") + ("_" if keyword.iskeyword(name) else "")


def load(name: str) -> TyperCommand | TyperGroup:
    """Return the command `name` of the table, from its module's `app` or function."""
    own = module_of(name)
    module = importlib.import_module(f"mlops_cli.cli.commands.{own}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(getattr(module, own))
    app._add_completion = False
    command: Any = typer.main.get_command(app)
    command.name = name
    _dress(command)
    return command  # type: ignore[no-any-return]


def _dress(command: Any) -> None:
    """Give a command, and every command below it, our help and plain errors."""
    command.context_class = _Context
    command.rich_markup_mode = None
    parse = _with_context(command.parse_args)
    usual = usual_of(command)
    command.parse_args = parse if usual is None else _or_usual(parse, usual)
    for below in getattr(command, "commands", {}).values():
        _dress(below)


def _or_usual(parse: Callable[[Any, list[str]], list[str]], usual: str) -> Callable[..., list[str]]:
    def parse_args(ctx: Any, args: list[str]) -> list[str]:
        bare = not args or (args[0].startswith("-") and args[0] not in _HELP)
        bare = bare and not ctx.resilient_parsing  # completion asks for the commands
        return parse(ctx, [usual, *args] if bare else args)

    return parse_args


def _with_context(parse: Callable[[Any, list[str]], list[str]]) -> Callable[..., list[str]]:
    """Have every error of a command line say of which command it is."""

    def parse_args(ctx: Any, args: list[str]) -> list[str]:
        try:
            return parse(ctx, args)
        except typer.TyperException as error:
            if getattr(error, "ctx", ctx) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise

    return parse_args
