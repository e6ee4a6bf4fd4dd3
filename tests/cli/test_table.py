import importlib
import inspect
import pkgutil

import pytest

from mlops_cli.cli import commands, table
from mlops_cli.cli.group import LazyGroup, load, module_of


def test_every_command_of_the_table_has_a_module_and_the_other_way_round() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert modules == {module_of(name) for name in table.COMMANDS}


@pytest.mark.parametrize("name", table.COMMANDS)
def test_the_line_in_the_table_is_the_first_of_the_docstring(name: str) -> None:
    help_text = load(name).help or ""
    assert inspect.cleandoc(help_text).partition("\n")[0].rstrip(".") == table.COMMANDS[name]


@pytest.mark.parametrize("name", table.COMMANDS)
def test_a_command_s_module_says_what_it_is(name: str) -> None:
    module = importlib.import_module(f"mlops_cli.cli.commands.{module_of(name)}")
    assert (module.__doc__ or "").startswith(f"`mlo {name}`")


def test_names_are_unique_and_lines_fit_beside_them() -> None:
    rows = [row for _, rows in table.SECTIONS for row in rows]
    assert len(rows) == len(table.COMMANDS)
    assert max(map(len, table.overview().splitlines())) < 80
    for _, line in rows:
        assert line[0].isupper()
        assert not line.endswith(".")


def test_the_group_lists_the_commands_of_the_table_in_order() -> None:
    assert LazyGroup(name="mlo").list_commands(None) == list(table.COMMANDS)
