"""`mlo fsck`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import IntegrityError, RequestError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mlops_cli.cli.remote_check import CheckedRemote
    from mlops_cli.core.ids import ObjectId
    from mlops_cli.core.repository import Repository
    from mlops_cli.data.fsck import Checked, Problem
    from mlops_cli.data.repair import Bring, Repaired

_SHOWN = 8


def fsck(
    remote: Annotated[
        str | None,
        typer.Argument(help="Look at this remote; with --repair: where to get what is damaged"),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Of a remote read every byte (default: its indexes)")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what can be (default: only tell)")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove that every stored byte is what its name says.

    Reads all packs, refs and pointers. Names each damaged object and the pointers, outputs, runs
    and model versions that need it, and exits with 4 when there is one, or when refs were lost or
    put back: then audit entries are stored that no chain leads to. Damage in the prediction log,
    or in the labels beside it, is told with its place, and exits with 4 too; it cannot be repaired.

    With a remote, that is looked at: whether each pack that it names is there, has its size and
    ends in its index. With --deep every byte of it is read too, and kept nowhere.

    With --repair what is good in damaged packs is kept, and the rest is stored again from the work
    tree, or comes from a remote. The damaged packs are moved to .mlo/damaged.
    """
    if deep and (repair or remote is None):
        raise RequestError(
            "--deep is for a remote: here all is read", hint="mlo fsck REMOTE --deep"
        )
    if repair:
        _repair(repository(), remote, as_json=as_json)
    elif remote is not None:
        _look_at(repository(), remote, deep=deep, as_json=as_json)
    else:
        _look_here(repository(), as_json=as_json)


def _look_here(repo: "Repository", *, as_json: bool) -> None:
    from mlops_cli.data.fsck import check

    checked = check(repo, progress=show.progress())
    show.emit(checked, as_json=as_json, text=_tell)
    if checked.problems:
        raise IntegrityError(_count(checked.problems), hint="mlo fsck --repair")
    if checked.log:
        raise IntegrityError(
            f"the prediction log is damaged: {show.number(len(checked.log), 'place')}",
            hint="put the file back from a backup, or move it out of .mlo; the others are read",
        )


def _look_at(repo: "Repository", remote: str, *, deep: bool, as_json: bool) -> None:
    from mlops_cli.cli.remote_check import check

    checked = check(repo, remote, deep=deep, progress=show.progress())
    show.emit(checked, as_json=as_json, text=_tell_remote)
    if checked.problems:
        raise IntegrityError(
            f"the remote '{remote}' is damaged: {show.number(len(checked.problems), 'problem')}",
            hint="push from a clone that is whole to a new place: mlo remote add NAME URL",
        )


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
    _tell_problems((*checked.problems, *checked.log))
    if not checked.problems:
        show.line(
            f"whole: {show.number(checked.objects, 'object')}"
            f" in {show.number(checked.packs, 'pack')}, {show.size(checked.bytes)}"
        )
    if checked.absent:
        show.note("not in this store: mlo fetch")
        for path in checked.absent[:_SHOWN]:
            show.note(f"  {path}")
        if len(checked.absent) > _SHOWN:
            show.note(f"  and {len(checked.absent) - _SHOWN:,} more")
    for doubt in checked.doubts:
        show.note(doubt)
    _tell_untold(checked.untold)


def _tell_remote(checked: "CheckedRemote") -> None:
    _tell_problems(checked.problems)
    if checked.empty:
        show.line(f"{checked.remote} holds nothing yet: {checked.url}")
    elif not checked.problems:
        held = (
            f"{show.number(checked.objects, 'object')}"
            f" in {show.number(checked.packs, 'pack')}, {show.size(checked.bytes)}"
        )
        show.line(f"{'whole' if checked.deep else 'all there'}: {held}")
    if not checked.deep and checked.packs:
        show.note(f"to read every byte of it: mlo fsck {checked.remote} --deep")
    _tell_untold(checked.untold)


def _tell_untold(why: str | None) -> None:
    if why:
        show.note(f"git did not tell which earlier versions need what: {why}")


def _tell_problems(problems: "Sequence[Problem]") -> None:
    """Print the problems of each pack or file under its name.

    Ids are short on a terminal; elsewhere the name of each object is whole.
    """
    for where in dict.fromkeys(one.where for one in problems):
        show.line(_shown(where))
        for problem in (one for one in problems if one.where == where):
            what = _briefly(problem.what.replace(f"object {problem.oid}", "it"))
            show.line(f"  {_shown(problem.oid)}  {what}" if problem.oid else f"  {what}")
            for name in problem.needed_by[:_SHOWN]:
                show.line(f"      needed by {name}")
            if len(problem.needed_by) > _SHOWN:
                show.line(f"      and by {len(problem.needed_by) - _SHOWN:,} more")


def _shown(name: str) -> str:
    return _briefly(name) if sys.stdout.isatty() else name


def _briefly(text: str) -> str:
    """Return a text with the first ten digits of each id in it.

    >>> _briefly("hash to " + "ab" * 32)
    'hash to ababababab'
    """
    import re

    return re.sub(r"\b([0-9a-f]{10})[0-9a-f]{54}\b", r"\1", text)


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
