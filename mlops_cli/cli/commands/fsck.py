"""`mlo fsck`."""

from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import IntegrityError, RequestError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mlops_cli.core.ids import ObjectId
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.fsck import Checked, Problem
    from mlops_cli.data.repair import Bring, Repaired

_SHOWN = 8


def fsck(
    remote: Annotated[
        str | None, typer.Argument(help="With --repair: where to get what is damaged here")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what can be (default: only tell)")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove that every stored byte is what its name says.

    Reads all packs, refs and pointers. Names each damaged object and the pointers, outputs, runs
    and model versions that need it, and exits with 4 when there is one.

    With --repair what is good in damaged packs is kept, and the rest is stored again from the work
    tree, or comes from a remote. The damaged packs are moved to .mlo/damaged.
    """
    if remote is not None and not repair:
        raise RequestError("a remote is of use only to repair", hint=f"mlo fsck --repair {remote}")
    if repair:
        _repair(repository(), remote, as_json=as_json)
        return
    from mlops_cli.data.fsck import check

    checked = check(repository(), progress=show.progress())
    show.emit(checked, as_json=as_json, text=_tell)
    if checked.problems:
        raise IntegrityError(_count(checked.problems), hint="mlo fsck --repair")


def _repair(repo: "Repository", remote: str | None, *, as_json: bool) -> None:
    from mlops_cli.data.repair import repair

    done = repair(repo, bring=_source(repo, remote), progress=show.progress())
    show.emit(done, as_json=as_json, text=_tell_repaired)
    if done.lost or done.after.problems:
        left = {*done.lost, *done.after.problems}
        raise IntegrityError(
            _count(left),
            hint="mend broken pointers by hand; for bytes, mlo fsck --repair REMOTE, a remote that "
            "has them, or put the file back as it was, then: mlo add",
        )


def _source(repo: "Repository", name: str | None) -> "Bring | None":
    """Return what brings objects from a remote: the one that was named, else the usual one."""
    if name is None and not repo.settings.remotes:
        return None
    from mlops_cli.remotes.remote import connect

    remote = connect(repo, name)

    def bring(wanted: "Collection[ObjectId]") -> int:
        from mlops_cli.cli.roots import heal

        return heal(repo, remote, wanted)

    return bring


def _count(problems: "Collection[Problem]") -> str:
    return f"the store is damaged: {show.number(len(problems), 'problem')}"


def _tell(checked: "Checked") -> None:
    _tell_problems(checked.problems)
    if not checked.problems:
        show.line(
            f"whole: {show.number(checked.objects, 'object')}"
            f" in {show.number(checked.packs, 'pack')}, {show.size(checked.bytes)}"
        )
    if checked.absent:
        show.note("not in this store (mlo fetch): " + ", ".join(checked.absent[:_SHOWN]))
    if checked.untold:
        show.note(f"git did not tell which earlier versions need what: {checked.untold}")


def _tell_problems(problems: "Sequence[Problem]") -> None:
    for problem in problems:
        what = f"object {problem.oid}: " if problem.oid else ""
        show.line(f"{problem.where}: {what}{problem.what}")
        for name in problem.needed_by[:_SHOWN]:
            show.line(f"    needed by {name}")
        if len(problem.needed_by) > _SHOWN:
            show.line(f"    and by {len(problem.needed_by) - _SHOWN} more")


def _tell_repaired(done: "Repaired") -> None:
    count = len(done.found)
    if count:
        show.line(f"found {count} problem{'' if count == 1 else 's'}")
    for path in done.from_work_tree:
        show.line(f"  stored {path} again, from the work tree")
    if done.brought:
        show.line(f"  brought {done.brought:,} object{'' if done.brought == 1 else 's'}")
    if done.aside:
        count = len(done.aside)
        show.line(f"  moved {count} damaged file{'' if count == 1 else 's'} to .mlo/damaged")
    if done.unreached:
        show.note(done.unreached)
    if done.lost:
        show.line("not to be had here, in the work tree or from the remote:")
        _tell_problems(done.lost)
    _tell(done.after)
