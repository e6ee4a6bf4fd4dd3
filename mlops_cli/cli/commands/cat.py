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

    Without @REV, the version that the pointer names, whatever the work tree holds.
    """
    from mlops_cli.data.cat import pieces
    from mlops_cli.data.reference import resolve

    repo = repository()
    found = resolve(repo, reference, start=Path.cwd())
    for piece in pieces(repo, found):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
