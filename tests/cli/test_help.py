from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from mlops_cli.cli import table
from mlops_cli.cli.group import LazyGroup, load
from mlops_cli.cli.help import WIDTH
from tests.conftest import Mlo


def pages() -> list[tuple[str, str, Any]]:
    """Return each command and subcommand as (what is typed, its help, the command)."""
    group = LazyGroup(name="mlo")
    found = []
    with group.make_context("mlo", ["init"], resilient_parsing=True) as top:
        for name in table.COMMANDS:
            command = load(name)
            context = command.context_class(command, info_name=name, parent=top)
            found.append((f"mlo {name}", context.get_help(), command))
            for below, inner in getattr(command, "commands", {}).items():
                nested = inner.context_class(inner, info_name=below, parent=context)
                found.append((f"mlo {name} {below}", nested.get_help(), inner))
    return found


def test_every_page_fits_80_columns_and_begins_with_its_usage() -> None:
    for typed, text, _ in pages():
        assert text.startswith((f"usage: {typed} ", f"usage: {typed}\n")), typed
        assert max(map(len, text.splitlines())) <= WIDTH, typed


def test_every_argument_and_option_is_explained_without_a_full_stop() -> None:
    for typed, _, command in pages():
        for param in command.params:
            assert param.hidden or param.help, (typed, param.name)
            assert not (param.help or "").endswith("."), (typed, param.name)


def test_every_command_says_what_it_does_in_one_line() -> None:
    for typed, _, command in pages():
        assert command.help, typed
        assert len(command.help.strip().partition("\n")[0]) < WIDTH, typed


def test_a_page_has_usage_text_arguments_and_options(mlo: Mlo) -> None:
    assert mlo("completion", "--help").stdout == (
        "usage: mlo completion [OPTIONS] SHELL\n"
        "\n"
        "Print or install completion for a shell.\n"
        "\n"
        "To try it in this terminal only:\n"
        "\n"
        "    source <(mlo completion bash)\n"
        "\n"
        "arguments\n"
        "  SHELL  bash, zsh or fish\n"
        "\n"
        "options\n"
        "  --install   Write it where the shell looks for it\n"
        "  -h, --help  Print this\n"
    )


@pytest.fixture
def sample() -> str:
    """Return the page of a command with every kind of option."""
    from mlops_cli.cli.group import _dress

    app = typer.Typer(rich_markup_mode=None, add_completion=False)

    @app.command("sample")
    def sample(
        paths: Annotated[list[str], typer.Argument(help="What to take")],
        count: Annotated[int, typer.Option("--count", "-n", help="How many")] = 3,
        share: Annotated[float | None, typer.Option(help="How much of it")] = None,
        name: Annotated[str, typer.Option(metavar="NAME", help="Its name")] = ...,  # type: ignore[assignment]
        colour: Annotated[bool, typer.Option("--colour/--plain", help="Paint it")] = True,
        too_long_for_its_column: Annotated[
            bool, typer.Option(help="Said on the next line, " + "and at length " * 6)
        ] = False,
        secret: Annotated[bool, typer.Option(hidden=True)] = False,
    ) -> None:
        """Do it.

        A paragraph that is broken
        where it need not be.
        """

    command: Any = typer.main.get_command(app)
    _dress(command)
    context = command.context_class(command, info_name="sample")
    text = context.get_help()
    assert isinstance(text, str)
    return text


def test_each_kind_of_option_is_laid_out(sample: str) -> None:
    assert sample == (
        "usage: sample [OPTIONS] PATHS... --name NAME\n"
        "\n"
        "Do it.\n"
        "\n"
        "A paragraph that is broken where it need not be.\n"
        "\n"
        "arguments\n"
        "  PATHS...  What to take\n"
        "\n"
        "options\n"
        "  -n, --count N       How many (default: 3)\n"
        "  --share NUMBER      How much of it\n"
        "  --name NAME         Its name (required)\n"
        "  --colour / --plain  Paint it\n"
        "  --too-long-for-its-column / --no-too-long-for-its-column\n"
        "                      Said on the next line, and at length and at length and at\n"
        "                      length and at length and at length and at length\n"
        "  --help              Print this"
    )


@pytest.mark.parametrize(("typed", "means"), [
    ("remote", "remote list"), ("models", "models list"), ("runs", "runs list"),
    ("hooks", "hooks status"), ("remote --json", "remote list --json"),
])  # fmt: skip
def test_a_group_without_a_command_lists(
    project: Path, mlo_here: Mlo, typed: str, means: str
) -> None:
    assert mlo_here(*typed.split()) == mlo_here(*means.split())
    assert "(default)" in mlo_here(typed.split()[0], "--help").stdout
