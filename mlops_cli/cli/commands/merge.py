"""`mlo merge`."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.data.settle import Settled

_SHOWN = 20


class Side(Enum):
    """Whose version of what conflicts."""

    OURS = "ours"
    THEIRS = "theirs"


def merge(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Versioned paths, or files in them, to settle (default: all)"),
    ] = None,
    take: Annotated[
        Side | None, typer.Option(help="Whose file to take where both changed it")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Finish a git merge in versioned data.

    Where both sides of a git merge, rebase or cherry-pick changed the same file of a versioned
    folder, the merged folder has ours until a side is taken. Without --take this lists what is
    open, and merges the pointers that git could not. With the last conflict of a pointer settled,
    the pointer is staged and its data checked out. To settle by hand, edit the data, then
    `mlo add` and `git add` its pointer.

    In a rebase, ours is the branch that is built upon, and theirs the commit put on top, as in
    git. Exit code 1 says that something is still open.
    """
    from mlops_cli.data.settle import settle

    done = settle(repository(), paths or (), None if take is None else take.value)
    show.emit(done, as_json=as_json, text=_tell)
    if any(one.open for one in done):
        raise typer.Exit(1)


def _tell(done: "tuple[Settled, ...]") -> None:
    if not done:
        show.note("nothing to do: no merge left a pointer open")
        return
    for one in done:
        if not one.open:
            show.line(f"{one.path}: merged and staged")
        else:
            count = len(one.open)
            show.line(f"{one.path}: {count:,} open conflict{'' if count == 1 else 's'}")
        for conflict in one.open[:_SHOWN]:
            name = one.path if conflict.path == "." else f"{one.path}/{conflict.path}"
            show.line(f"  {name}: {conflict.ours} here, {conflict.theirs} there")
        if len(one.open) > _SHOWN:
            show.line(f"  and {len(one.open) - _SHOWN:,} more")
        if one.left is not None:
            show.note(f"'{one.path}' in the work tree is not merged: {one.left.why}")
            if one.left.hint:
                show.note(f"  try: {one.left.hint}")
    if any(one.open for one in done):
        show.note("settle them: mlo merge --take ours PATH, or theirs")
    else:
        show.note("next: git commit, or go on with what git was at, as in git rebase --continue")
