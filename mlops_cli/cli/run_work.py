"""What `mlo run` does once its command line is read, and reading the usual ones.

Loading Typer takes longer than a run with nothing to do. So command lines that are made of options
as the help spells them are read here; all others, and mistakes, are Typer's.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.errors import INTERRUPTED, RequestError

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository
    from mlops_cli.pipeline.forecast import Prospect
    from mlops_cli.pipeline.plan import Resolve
    from mlops_cli.pipeline.run import Outcome
    from mlops_cli.pipeline.run_cache import Bring
    from mlops_cli.runs.code import State
    from mlops_cli.runs.record import Run

T = TypeVar("T")

_FAILED = 1
_TURN_S = 0.0005
"""How long a thread may keep others waiting: git is led by one while this one loads the rest."""


class Given(NamedTuple):
    """What the command line says; `words` is the command after `--`, None where there is none."""

    steps: tuple[str, ...] = ()
    assignments: tuple[str, ...] = ()
    force: bool = False
    dry_run: bool = False
    name: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    jobs: int = 1
    downstream: bool = False
    pull: bool = False
    aside: bool = False
    rev: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    as_json: bool = False
    words: tuple[str, ...] | None = None


_FLAGS = {
    "--force": "force",
    "-f": "force",
    "--dry-run": "dry_run",
    "-n": "dry_run",
    "--downstream": "downstream",
    "--pull": "pull",
    "--in-worktree": "aside",
    "--json": "as_json",
}
_SINGLE = {"--name": "name", "--jobs": "jobs", "-j": "jobs", "--rev": "rev", "--note": "note"}
_SEVERAL = {
    "--set": "assignments",
    "-s": "assignments",
    "--input": "inputs",
    "--output": "outputs",
    "--tag": "tags",
}


def read(arguments: Sequence[str]) -> Given | None:
    """Return what a command line says; None for one that Typer has to judge.

    >>> read(["fit", "--set", "depth=3", "-j", "2"])[:2]
    (('fit',), ('depth=3',))
    >>> read(["--jobs", "two"]), read(["--help"]), read(["--", "true"]).words
    (None, None, ('true',))
    """
    rest = list(arguments)
    words = None
    if "--" in rest:
        at = rest.index("--")
        words, rest = tuple(rest[at + 1 :]), rest[:at]
    found: dict[str, Any] = {"steps": ()}
    while rest:
        word = rest.pop(0)
        if word in _FLAGS:
            found[_FLAGS[word]] = True
        elif word in _SINGLE or word in _SEVERAL:
            if not rest or rest[0].startswith("-"):
                return None
            value = rest.pop(0)
            if word in _SINGLE:
                found[_SINGLE[word]] = value
            else:
                found[_SEVERAL[word]] = (*found.get(_SEVERAL[word], ()), value)
        elif word.startswith("-"):
            return None
        else:
            found["steps"] = (*found["steps"], word)
    jobs = found.pop("jobs", "1")
    if not (jobs.isascii() and jobs.isdecimal() and int(jobs) >= 1):
        return None
    return Given(**found, jobs=int(jobs), words=words)


def carry_out(given: Given) -> int:
    """Do what the command line says, tell what came of it, and return the exit code."""
    sys.setswitchinterval(_TURN_S)
    repo = repository()
    if given.name is not None:
        from mlops_cli.runs.names import check_free

        check_free(repo, given.name)
    if given.words is not None:
        _refuse_with_command(given.words, given)
        return _run_command(repo, given.words, given)
    if given.inputs or given.outputs:
        raise RequestError(
            "--input and --output go with a command", hint="list them as deps and outs of a step"
        )
    if given.downstream and not given.steps:
        raise RequestError("--downstream needs a step", hint="mlo run --downstream STEP")
    if given.dry_run:
        _forecast(repo, given)
        return 0
    return _run_pipeline(repo, given)


class _Choice(TypedDict):
    """Which steps, and what counts as up to date: the same for a forecast and for the work."""

    names: Sequence[str]
    assignments: Sequence[str]
    force: bool
    downstream: bool
    bring: "Bring | None"
    resolve: "Resolve"


def _choice(where: "Repository", given: Given, bring: "Bring | None") -> _Choice:
    from mlops_cli.cli.versions import resolver

    return {
        "names": given.steps,
        "assignments": given.assignments,
        "force": given.force,
        "downstream": given.downstream,
        "bring": bring,
        "resolve": resolver(where),
    }


def _forecast(repo: "Repository", given: Given) -> None:
    from mlops_cli.cli.run_report import tell_prospects
    from mlops_cli.pipeline.forecast import forecast

    bring = _bring(repo, given)

    def go(where: "Repository", _: "State | None") -> "list[Prospect]":
        return forecast(where, **_choice(where, given, bring))

    found = _somewhere(repo, given, go, data=False)
    show.emit(found, as_json=given.as_json, text=tell_prospects)


def _refuse_with_command(words: Sequence[str], given: Given) -> None:
    if not words:
        raise RequestError("there is no command after --", hint="mlo run -- python train.py")
    if given.steps:
        raise RequestError(
            f"'{given.steps[0]}' is a step, and after -- comes a command",
            hint=f"either mlo run {given.steps[0]}, or mlo run -- {' '.join(words)}",
        )
    for option, is_given in (
        ("--force", given.force),
        ("--dry-run", given.dry_run),
        ("--downstream", given.downstream),
        ("--jobs", given.jobs > 1),
        ("--pull", given.pull),
    ):
        if is_given:
            raise RequestError(f"{option} is for steps, and after -- comes a command")


def _run_command(repo: "Repository", words: Sequence[str], given: Given) -> int:
    from mlops_cli.runs import code

    asked = None if _is_aside(given) else code.ask(repo)  # while the rest is loaded
    from mlops_cli.cli.run_report import tell_command
    from mlops_cli.runs import command

    def go(where: "Repository", state: "State | None") -> "Run":
        return command.run(
            where,
            words,
            folder=where.root / Path.cwd().relative_to(repo.root.resolve()),
            environ=os.environ,
            assignments=given.assignments,
            inputs=[Path(path) for path in given.inputs],
            outputs=[Path(path) for path in given.outputs],
            name=given.name,
            tags=given.tags,
            note=given.note,
            state=state,
            asked=asked,
            stdout=2 if given.as_json else 1,
        )

    done = _somewhere(repo, given, go, data=True)
    show.emit(done, as_json=given.as_json, text=tell_command)
    if done.error:
        show.note(f"mlo: {done.error}")
    if done.status != "done":
        return done.exit_code or _FAILED
    return 0


def _bring(repo: "Repository", given: Given) -> "Bring | None":
    """Return what gets from the remote what others have computed, with --pull."""
    if not given.pull:
        return None
    from mlops_cli.pipeline.run_cache import from_remote

    return from_remote(repo, None)


def _run_pipeline(repo: "Repository", given: Given) -> int:
    from mlops_cli.cli.run_report import Teller, tell_outcome
    from mlops_cli.pipeline.run import run as run_pipeline

    bring = _bring(repo, given)

    def go(where: "Repository", state: "State | None") -> "Outcome":
        return run_pipeline(
            where,
            **_choice(where, given, bring),
            jobs=given.jobs,
            watcher=Teller(),
            environ=os.environ,
            name=given.name,
            tags=given.tags,
            note=given.note,
            state=state,
        )

    outcome = _somewhere(repo, given, go, data=False)
    show.emit(outcome, as_json=given.as_json, text=tell_outcome)
    done = outcome.run
    if done is None or done.status == "done":
        return 0
    if done.status == "failed":
        show.note(f"mlo: {done.error}")
        show.note(f"  try: mlo runs show {done.name} --log")
        return _FAILED
    return done.exit_code or INTERRUPTED


def _is_aside(given: Given) -> bool:
    """Return whether the work is to be done in a work tree of its own."""
    return given.aside or given.rev is not None


def _somewhere(
    repo: "Repository",
    given: Given,
    go: "Callable[[Repository, State | None], T]",
    *,
    data: bool,
) -> T:
    """Do the work in the user's work tree, or in one aside; there with versioned `data`."""
    if not _is_aside(given):
        return go(repo, None)
    from mlops_cli.data.checkout import checkout
    from mlops_cli.runs.worktree import aside

    with aside(repo, given.rev) as (found, state):
        if data:
            checkout(found, progress=show.progress())
        return go(found, state)
