"""Objects from the stores of other work trees of the same git repository.

`git worktree add` makes a work tree whose store is empty. Packs never change, so those of the
others are linked into it, which copies nothing, and neither store minds what the other drops.
"""

import os
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.layout import Layout
from mlops_cli.core.packs import SUFFIX
from mlops_cli.core.repository import Repository


def borrow(repo: Repository) -> int:
    """Link the packs that other work trees have into this store; return how many were new.

    What cannot be linked, from another disk, is left out: `mlo fetch` gets it.
    """
    top = git.toplevel(repo.root)
    if top is None:
        return 0
    inner = repo.root.resolve().relative_to(top)
    linked = 0
    for other in _others(top):
        packs = Layout(other / inner).packs
        if packs.is_dir() and packs != repo.layout.packs:
            linked += sum(_link(pack, repo.layout.packs) for pack in packs.glob("*" + SUFFIX))
    if linked:
        repo.objects.refresh()
    return linked


def _others(top: Path) -> list[Path]:
    done = git.run(top, "worktree", "list", "--porcelain", "-z", ok=(0, 129)).stdout
    places = [Path(os.fsdecode(line[9:])) for line in done.split(b"\0") if line[:9] == b"worktree "]
    return [place for place in places if place != top]


def _link(pack: Path, folder: Path) -> bool:
    try:
        os.link(pack, folder / pack.name)
    except OSError:
        return False
    return True
