"""Running any command, tracked."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.errors import MloError, exit_code_of
from mlops_cli.runs import code, process
from mlops_cli.runs import params as parameters
from mlops_cli.runs.begin import begin
from mlops_cli.runs.environment import search_path
from mlops_cli.runs.finish import finish, reap
from mlops_cli.runs.open_run import OpenRun
from mlops_cli.runs.record import Run


def run(
    repo: Repository,
    words: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    assignments: Sequence[str] = (),
    inputs: Sequence[Path] = (),
    outputs: Sequence[Path] = (),
    name: str | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
    state: code.State | None = None,
    asked: code.Asked | None = None,
    stdout: int = 1,
    pass_input: bool = True,
) -> Run:
    """Run a command in `folder`, record it, and return the record.

    `inputs` and `outputs` are files or folders that the record names beside those that the
    command itself logs; the run failed when an output is not there then. Its standard output goes
    to the file descriptor `stdout`, its standard error to ours; with `pass_input` it may read our
    standard input. `name`, `tags`, `note` and `state` are as of `begin.begin`; `asked` waits for
    the state where it was asked for before.

    Raises:
        RequestError: there is no such program, an input is not there, or a parameter is unknown;
            nothing was recorded.
    """
    params = parameters.override(repo.settings.params, assignments)
    given = [_input(repo, path) for path in inputs]
    made = [paths.relative(repo, path) for path in outputs]
    reaped = reap(repo)
    if asked is not None and not reaped:  # else git may be told by now to ignore more
        state = asked()
    environ = {**environ, "PATH": search_path(environ)}
    opened = begin(
        repo,
        tuple(words),
        params=params,
        environ=environ,
        name=name,
        tags=tags,
        note=note,
        folder=folder,
        state=state,
    )
    try:
        _note_paths(opened, "input", given)
        ended = process.execute(
            tuple(words),
            folder=folder,
            environ={"PYTHONUNBUFFERED": "1", **environ, **opened.variables(repo.root)},
            log=opened.log,
            stdout=stdout,
            stderr=2,
            pass_input=pass_input,
            started=lambda pid: opened.note_child(pid, ()),
        )
    except MloError:
        opened.close()
        raise
    except KeyboardInterrupt as stop:
        return finish(repo, opened, status="interrupted", exit_code=exit_code_of(stop))
    missing = [path for path in made if not os.path.lexists(paths.locate(repo, path))]
    _note_paths(opened, "output", [path for path in made if path not in missing])
    if ended.interrupted:
        return finish(repo, opened, status="interrupted", exit_code=ended.exit_code)
    if missing and not ended.code:
        error = f"the command did not write its output '{missing[0]}'"
        return finish(repo, opened, status="failed", exit_code=None, error=error)
    status: Literal["failed", "done"] = "failed" if ended.code else "done"
    return finish(repo, opened, status=status, exit_code=ended.code)


def _input(repo: Repository, path: Path) -> str:
    """Return the kept form of an input's path, after making sure that it is there."""
    kept = paths.relative(repo, path)
    snapshot.take(repo, paths.locate(repo, kept))
    return kept


def _note_paths(opened: OpenRun, role: str, given: Sequence[str]) -> None:
    for path in given:
        opened.say({"path": path, "role": role})
