"""`mlo completion`."""

from enum import StrEnum
from typing import Annotated

import typer

from mlops_cli.cli import show


class Shell(StrEnum):
    """A shell that can complete words of `mlo`."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish")],
    install: Annotated[
        bool, typer.Option("--install", help="Write it where the shell looks for it")
    ] = False,
) -> None:
    """Print or install completion for a shell.

    To try it in this terminal only:

        source <(mlo completion bash)
    """
    from typer._completion_shared import get_completion_script
    from typer._completion_shared import install as write

    from mlops_cli.cli.main import COMPLETE_VARIABLE

    if install:
        _, path = write(shell.value, "mlo", COMPLETE_VARIABLE)
        show.line(f"wrote {path}; it works in terminals opened from now on")
        return
    show.line(
        get_completion_script(prog_name="mlo", complete_var=COMPLETE_VARIABLE, shell=shell.value)
    )
