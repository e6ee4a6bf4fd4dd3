"""`mlo mv`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.commands.rm import tell_what_is_left
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.move import Moving


def mv(
    paths: Annotated[list[Path], typer.Argument(help="Versioned files or folders")],
    target: Annotated[Path, typer.Argument(help="Their new path, or a folder to move them into")],
    as_json: JsonFlag = False,
) -> None:
    """Move versioned files or folders with their pointers.

    Data moves as it is, with its pointer, in git's index too, and the line by which git ignores
    it. What .mlops.yaml says of the old path is named, and left for you to change.
    """
    from mlops_cli.data.move import move

    show.emit(move(repository(), paths, target), as_json=as_json, text=_tell)


def _tell(done: "Moving") -> None:
    for one in done.moved:
        show.line(f"{one.path} -> {one.to}")
    tell_what_is_left([(one.path, one.mentions) for one in done.moved], done.unstaged)
