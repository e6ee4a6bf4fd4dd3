"""Beginning a run: what is known of it at the start goes to a journal of its own."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_cli.core.clock import moment
from mlops_cli.core.layout import Layout
from mlops_cli.core.repository import Repository
from mlops_cli.runs import code, environment, secrets
from mlops_cli.runs.head import Head
from mlops_cli.runs.names import check_name, check_tag, name_of
from mlops_cli.runs.open_run import PARENT_VARIABLE, ROOT_VARIABLE, OpenRun, create
from mlops_cli.runs.params import flatten


def begin(
    repo: Repository,
    command: str | tuple[str, ...],
    *,
    params: Mapping[str, Any],
    environ: Mapping[str, str],
    name: str | None = None,
    parent: str | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
    engine: str | None = None,
    folder: Path | None = None,
    state: code.State | None = None,
    ran_in: Mapping[str, Any] | None = None,
    with_folder: bool = True,
) -> OpenRun:
    """Open a run of `command` with nested `params`, led by this process.

    A `name` takes the place of the two words that a run has else. Without a `parent`, a run that
    is begun in the environment of another of this store is part of that one. Who begins many
    runs of one code in one environment gives its `state`, and what it is `ran_in` (see
    `surroundings`). `with_folder` is as of `open_run.create`.

    Raises:
        RequestError: the name or a tag could be taken for something else, or the settings ask for
            what is not installed.
        ExternalError: the disk refuses.
    """
    if name is not None:
        check_name(name)
    for tag in tags:
        check_tag(tag)
    if repo.settings.tracking.carbon:
        from mlops_cli.runs import carbon

        carbon.require()
    state = state or code.ask(repo)()
    key = os.urandom(6).hex()
    began_ns = time.time_ns()
    who = repo.identity
    head = Head(
        key=key,
        name=name or name_of(key),
        command=secrets.masked_command(command),
        started=moment(began_ns),
        started_ns=began_ns,
        pid=os.getpid(),
        who={"name": who.name, "email": who.email},
        host=os.uname().nodename,
        code=_told(state),
        params=secrets.masked(flatten(params)),
        environment=surroundings(repo, environ) if ran_in is None else ran_in,
        parent=parent or _around(repo, environ),
        tags=tuple(dict.fromkeys(secrets.masked_text(tag) for tag in tags)),
        note=None if note is None else secrets.masked_text(note),
        engine=engine,
        folder="" if folder is None else _within(repo.root, folder),
    )
    return create(
        repo.layout.open_runs,
        head,
        params=params,
        bundle=state.bundle,
        tracking=repo.settings.tracking,
        with_folder=with_folder,
    )


def _within(root: Path, folder: Path) -> str:
    """Return a folder of the project relative to it; empty for the project's own, or none of it."""
    if folder == root:
        return ""
    path = os.path.relpath(os.path.realpath(folder), os.path.realpath(root))
    return "" if path == "." or path.startswith("..") else path.replace(os.sep, "/")


def _around(repo: Repository, environ: Mapping[str, str]) -> str | None:
    """Return the key of the run that an environment is part of, if that is in the same store."""
    root = environ.get(ROOT_VARIABLE)
    if root is None or Layout(Path(root)).store != repo.layout.store:
        return None
    return environ.get(PARENT_VARIABLE)


def _told(state: code.State) -> dict[str, Any]:
    """Return what the record says of the code."""
    return {
        "commit": state.commit,
        "branch": state.branch,
        "dirty": state.dirty,
        "snapshot": state.snapshot,
        "left_out": dict(state.left_out),
        "problem": state.problem,
    }


def surroundings(repo: Repository, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what a command runs in that is started with these variables."""
    return environment.collect(
        environ,
        environ.get("PATH", os.defpath),
        root=repo.root,
        chosen=repo.settings.tracking.env,
        cache=repo.layout.store / "packages",
    )
