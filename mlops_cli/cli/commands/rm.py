"""`mlo rm`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlops_cli.data.remove import Removal


def rm(
    paths: Annotated[list[Path], typer.Argument(help="Versioned files or folders")],
    keep: Annotated[
        bool, typer.Option("--cached", "--keep", help="Leave the data in the work tree")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("-r", "--recursive", help="Take all that is versioned in a folder")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Give up what is in no version or no commit")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Stop versioning files or folders, and remove them.

    Removes the data, its pointer, in git's index too, and the line by which git ignores it; with
    --cached the data stays. The store keeps all versions: older commits can be checked out, and
    `mlo gc` drops what nothing needs any more.
    """
    from mlops_cli.data.remove import remove

    done = remove(repository(), paths, keep=keep, force=force, recursive=recursive)
    show.emit(done, as_json=as_json, text=_tell)


def _tell(done: "Removal") -> None:
    for one in done.removed:
        how = "no longer versioned, the data stays" if done.kept else "removed"
        show.line(f"{one.path}: {how}")
    tell_what_is_left([(one.path, one.mentions) for one in done.removed], done.unstaged)


def tell_what_is_left(
    changed: "Sequence[tuple[str, tuple[str, ...]]]", unstaged: "Sequence[str]"
) -> None:
    """Print on stderr which lines still name paths that are gone, and what to give to git."""
    for path, mentions in changed:
        if mentions:
            show.note(f"'{path}' is still named in {', '.join(mentions)}")
    if unstaged:
        import shlex

        show.note(f"next: git add {shlex.join(unstaged)}, then git commit")
    else:
        show.note("next: git commit")
