"""`mlo checkout`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import ForceFlag, JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.checkout import Placed

_SHOWN = 20


def checkout(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Versioned paths, or parts of them, or PATH@REV (default: all)"),
    ] = None,
    rev: Annotated[
        str | None,
        typer.Option("--rev", help="Versions of this git revision (default: as pointed)"),
    ] = None,
    force: ForceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make the work tree match its pointers.

    Takes in what pointers name and what mlo.lock says of the pipeline's outputs. With
    PATH@REV, or --rev for all, the bytes are those of another commit while the pointers stay:
    `mlo checkout` goes back, and `mlo add` keeps what is there as the next version. Work that is
    in no store is never overwritten without --force.
    """
    from mlops_cli.data.checkout import checkout as place

    repo = repository()
    placed = place(repo, paths or (), rev=rev, force=force, progress=show.progress())
    show.emit(placed, as_json=as_json, text=tell)
    if not paths:
        tell_lost(repo, rev)
    back = any(one.rev is not None and (one.written or one.removed) for one in placed)
    if back and not as_json:
        show.note("the pointers are as they were: `mlo checkout` goes back to them")


def tell_lost(repo: "Repository", rev: str | None) -> None:
    """Name on stderr what DVC kept and the move to mlo did not bring along."""
    from mlops_cli.core.layout import was_dvc

    if not was_dvc(repo.root):
        return
    from mlops_cli.data.dvc_history import lost

    paths = lost(repo, rev)
    if paths:
        show.note("DVC kept these versions, and mlo does not have them:")
        for path in paths[:_SHOWN]:
            show.note(f"  {path}")
        if len(paths) > _SHOWN:
            show.note(f"  and {len(paths) - _SHOWN:,} more")
        show.note("bring them, where DVC's cache or remote still has them: mlo import-dvc")


def tell(placed: "tuple[Placed, ...]") -> None:
    """Print what was written and removed, by path."""
    changed = [one for one in placed if one.written or one.removed]
    for one in changed:
        show.line(f"{one.path}: {show.placed(one.written, one.removed)}")
    if not changed:
        show.note(
            "nothing to do: the work tree is as it should be"
            if placed
            else "nothing is versioned yet"
        )
