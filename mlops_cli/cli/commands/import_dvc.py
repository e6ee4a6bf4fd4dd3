"""`mlo import-dvc`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.imports.dvc_move import Moved

_FEW = 20


def import_dvc(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The project's folder (default: this one)")
    ] = Path(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing")
    ] = False,
    remotes: Annotated[
        bool, typer.Option("--remotes", help="Make DVC's remotes mlo's, in a folder mlo there")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a DVC project an mlo project, with its history.

    Every version that a .dvc file or dvc.lock of any branch or tag names is put into the store,
    from the work tree, DVC's cache or its remotes (a folder, s3:// or https://). mlo.history says
    which object stands for which, so old commits stay as they are, and `mlo checkout --rev`, `cat`,
    `log` and `diff` understand them. Pointers take the place of .dvc files, steps in .mlops.yaml
    that of dvc.yaml. DVC need not be installed. Ends with 1 if bytes of a version are nowhere.
    """
    from mlops_cli.imports.dvc_move import move

    moved = move(folder, dry_run=dry_run, remotes=remotes, progress=show.progress())
    show.emit(moved, as_json=as_json, text=_tell)
    if moved.missing:
        raise typer.Exit(1)


def _tell(moved: "Moved") -> None:
    would = "would be " if moved.dry_run else ""
    size = "" if moved.dry_run else f", {show.size(moved.size)}"
    show.line(f"{_count(moved.versions, 'version')} {would}in the store{size}")
    show.line(f"{_count(len(moved.pointers), 'pointer')} {would}written")
    for path in moved.pointers[:_FEW]:
        show.line(f"  {path}.mlo")
    if len(moved.pointers) > _FEW:
        show.line(f"  and {len(moved.pointers) - _FEW} more")
    if moved.steps:
        show.line(f"{_count(len(moved.steps), 'step')} {would}in .mlops.yaml")
        for name in moved.steps:
            why = moved.rerun.get(name)
            show.line(f"  {name}" + (f"  will run again: {why}" if why else ""), rest="    ")
    for name in moved.remotes:
        show.line(f"remote {name} added")
    if moved.notes:
        show.line("not taken over:")
        for note in moved.notes:
            show.line(f"  {note}", rest="    ")
    if moved.missing:
        show.line(f"{_count(len(moved.missing), 'version')} missing:")
        for one in moved.missing:
            at = one.commit[:10] if one.commit else "now"
            show.line(f"  {one.path}@{at}  {one.why}", rest="    ")
    if not moved.dry_run:
        _tell_next(moved)


def _tell_next(moved: "Moved") -> None:
    import shlex

    show.note("next:")
    if moved.missing:
        show.note(
            "  get what is missing where DVC has it (dvc fetch --all-commits), and say this again"
        )
    if moved.untrack:
        show.note(f"  git rm -r -q --cached {shlex.join(moved.untrack)}")
    show.note("  git add -A, then git commit")
    show.note("  mlo status, mlo log PATH, mlo cat PATH@REV: look around")
    if not moved.missing:
        show.note("  when you are sure: git rm -r -q .dvc, rm -r .dvc")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
