"""What git calls: `mlo hooks run NAME` from its hooks, and the merge drivers.

They are no commands for people, so they are in no list, and they start without Typer. Git tells
a hook about its repository by the environment and the working folder, which is the top of the
work tree; the pre-commit framework tells by its own variables what git passes as arguments.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_cli.cli import show
from mlops_cli.cli.table import DRIVERS
from mlops_cli.errors import MloError, RequestError

GOES_ON = 0
STOPS = 1
_SHOWN = 10


def answer(arguments: Sequence[str]) -> int:
    """Do what git asks, and return the exit code that git goes by."""
    if arguments[0] in DRIVERS:
        return _drive(arguments[0], arguments[1:])
    name, *rest = arguments[2:] or [""]
    if name == "pre-commit":
        return _pre_commit()
    if name == "pre-push":
        from mlops_cli.cli.pre_push import pre_push

        return pre_push(_top(), rest, _given())
    if name in ("post-checkout", "post-merge", "post-rewrite", "post-commit"):
        return _follow(name, rest)
    raise RequestError(f"there is no hook '{name}'", hint="mlo hooks status")


def _drive(driver: str, arguments: Sequence[str]) -> int:
    from mlops_cli.cli import merge_drivers

    if len(arguments) != len("OABP"):
        raise RequestError(f"git calls `mlo {driver} BASE OURS THEIRS PATH`", hint="mlo hooks -h")
    base, ours, theirs = (Path(one) for one in arguments[:3])
    if driver == "merge-lock":
        return merge_drivers.lock(base, ours, theirs)
    return merge_drivers.pointer(_top() / arguments[3], base, ours, theirs)


def _pre_commit() -> int:
    from mlops_cli.cli.known import on_a_remote
    from mlops_cli.data.staged import inspect

    index = os.environ.get("GIT_INDEX_FILE")
    found = inspect(_top(), index and os.path.abspath(index), on_a_remote)
    notes = [one for one in found if not one.stops]
    for one in [*(one for one in found if one.stops), *notes[:_SHOWN]]:
        show.note(f"{'mlo' if one.stops else 'mlo: note'}: '{one.path}': {one.problem}")
        if one.hint:
            show.note(f"  try: {one.hint}")
    if len(notes) > _SHOWN:
        show.note(f"mlo: and {show.number(len(notes) - _SHOWN, 'note')} more; see: mlo status")
    stops = len(notes) < len(found)
    if stops:
        show.note("nothing was committed; to commit all the same: git commit --no-verify")
    return STOPS if stops else GOES_ON


def _follow(name: str, arguments: Sequence[str]) -> int:
    """Bring data along. Whatever happens is told, and git goes on."""
    from mlops_cli.core import git_index

    top = _top()
    try:
        old, fresh = _left(top, name, arguments)
        rebasing = name != "post-rewrite" and git_index.operation(top) == "rebase"
        if rebasing and not _is_fast_forward(top, old):
            return GOES_ON  # data moves once, at the end, and not at all if the rebase is given up
        _move(top, old, fresh=fresh)
    except MloError as error:
        show.note(f"mlo: {error.message}")
        if error.hint:
            show.note(f"  try: {error.hint}")
    return GOES_ON


def _left(top: Path, name: str, arguments: Sequence[str]) -> tuple[str | None, bool]:
    """Return the commit that git has left, if known, and whether the work tree is new."""
    from mlops_cli.core import git_range

    if name == "post-checkout":
        old = arguments[0] if arguments else os.environ.get("PRE_COMMIT_FROM_REF", "")
        if not old or git_range.is_nothing(old):
            return None, bool(old)
        return git_range.commit_of(top, old), False
    if name == "post-commit":
        return None, False
    return git_range.commit_of(top, "ORIG_HEAD"), False


def _is_fast_forward(top: Path, old: str | None) -> bool:
    """Return whether a rebase has nothing to put on top, so that no other hook will be called."""
    from mlops_cli.core import git_range

    return old is not None and git_range.is_ancestor(top, old, "HEAD")


def _move(top: Path, old: str | None, *, fresh: bool) -> None:
    from mlops_cli.data.git_moved import moved

    for root, done in moved(top, old, fresh=fresh):
        inner = "" if root == top else f"{root.relative_to(top).as_posix()}/"
        said = [f"{one.path}: {show.placed(one.written, one.removed)}" for one in done.placed]
        said += [f"{path}: removed" for path in done.removed]
        for text in said[:_SHOWN]:
            show.note(f"mlo: {inner}{text}")
        if len(said) > _SHOWN:
            show.note(f"mlo: and {len(said) - _SHOWN} more paths")
        for left in done.left[:_SHOWN]:
            show.note(f"mlo: {f'in {inner} ' if inner else ''}{left.why}")
            if left.hint:
                show.note(f"  try: {left.hint}")
        if len(done.left) > _SHOWN:
            show.note(f"mlo: and {len(done.left) - _SHOWN} more paths; see: mlo status")


def _top() -> Path:
    from mlops_cli.core import git_index

    return git_index.top_of(Path.cwd())


def _given() -> str:
    return "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
