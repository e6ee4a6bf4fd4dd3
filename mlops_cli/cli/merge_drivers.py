"""The merge drivers that git calls: for a pointer, and for `mlo.lock`.

Git gives the files of the three sides and takes the result from that of ours. A code other than
0 makes it a conflict, with ours in the work tree.
"""

from pathlib import Path

from mlops_cli.cli import show
from mlops_cli.cli.git_calls import GOES_ON, STOPS
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX

_SHOWN = 10


def pointer(file: Path, base: Path, ours: Path, theirs: Path) -> int:
    """Merge the pointer at `file` in the work tree; conflicts are noted for `mlo merge`."""
    from mlops_cli.core.repository import open_repository
    from mlops_cli.data import conflicts, merge_pointer
    from mlops_cli.data import pointer as pointers
    from mlops_cli.data.conflicts import Conflicted

    repo = open_repository(file.parent)
    kept = file.relative_to(repo.root).as_posix().removesuffix(POINTER_SUFFIX)
    was = base.read_bytes()
    sides = (
        pointers.decode(was, kept) if was else None,
        pointers.decode(ours.read_bytes(), kept),
        pointers.decode(theirs.read_bytes(), kept),
    )
    with repo.writing():
        done = merge_pointer.merge(repo, *sides)
        ours.write_bytes(pointers.encode(done.pointer))
        open_ones = Conflicted(*sides, done.pointer.oid, done.conflicts)
        conflicts.note(repo, kept, open_ones if done.conflicts else None)
    if not done.conflicts:
        return GOES_ON
    for one in done.conflicts[:_SHOWN]:
        name = kept if one.path == merge_pointer.WHOLE else f"{kept}/{one.path}"
        show.note(f"mlo: both sides changed '{name}': {one.ours} here, {one.theirs} there")
    if len(done.conflicts) > _SHOWN:
        show.note(f"mlo: and {len(done.conflicts) - _SHOWN} more files")
    show.note(f"  try: mlo merge --take ours {kept}, or theirs; of single files: mlo merge")
    return STOPS


def lock(base: Path, ours: Path, theirs: Path) -> int:
    """Merge `mlo.lock` step by step; a step that both sides ran anew is dropped."""
    from mlops_cli.core import lockfile
    from mlops_cli.data.merge_lock import merge_locks

    was = base.read_bytes()
    merged = merge_locks(
        lockfile.decode(was, where=f"{LOCKFILE} of the merge base") if was else {},
        lockfile.decode(ours.read_bytes(), where=f"{LOCKFILE} of ours"),
        lockfile.decode(theirs.read_bytes(), where=f"{LOCKFILE} of theirs"),
    )
    ours.write_bytes(lockfile.encode(merged.steps))
    for name in merged.dropped:
        show.note(f"mlo: both sides ran the step '{name}' anew, so it is stale now; try: mlo run")
    return GOES_ON
