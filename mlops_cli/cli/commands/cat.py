"""`mlo cat`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mlops_cli.cli.here import repository


def cat(
    reference: Annotated[
        str, typer.Argument(metavar="PATH[@REV]", help="A versioned file, or one in a folder")
    ],
) -> None:
    """Print a version of a file without checking it out.

    Without @REV, the version that the pointer names, whatever the work tree holds. An id that mlo
    showed, at least 10 digits of it, stands for its content too; ID/FILE for a file in a folder.
    """
    from mlops_cli.data.cat import pieces
    from mlops_cli.data.reference import by_id, resolve

    repo = repository()
    found = by_id(repo, reference) or resolve(repo, reference, start=Path.cwd())
    for piece in pieces(repo, found):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
