"""Where a run first came out otherwise, and why, by what is known and what is tried."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core import canonical, git
from mlops_cli.core.layout import LOCKFILE
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import pointer
from mlops_cli.errors import MloError
from mlops_cli.pipeline.reproduction import causes, differences
from mlops_cli.pipeline.reproduction.again import Again
from mlops_cli.pipeline.reproduction.causes import Cause, First, Search
from mlops_cli.pipeline.reproduction.differences import Difference
from mlops_cli.pipeline.reproduction.surroundings import Surroundings
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run, StepRun

_SHOWN = 5
_LOG_BYTES = 256 * 1024
_SEARCHED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Where two runs part, and why.

    Attributes:
        step: None for a command.
        causes: the proven first.
        notes: what else there is to say.
    """

    step: str | None
    causes: tuple[Cause, ...]
    notes: tuple[str, ...] = ()


def diagnose(
    repo: Repository,
    then: Run,
    now: Run,
    *,
    differing: Collection[str],
    recorded: Mapping[str, Any],
    found: Sequence[Difference],
    again: Again,
    place: Surroundings,
) -> Diagnosis:
    """Return why a run was made again as another.

    Args:
        repo: where both are recorded.
        then: the run to reproduce.
        now: what it was made again as.
        differing: paths of outputs that are not the same bytes.
        recorded: the environment of `then`.
        found: how that of `now` differs.
        again: does steps once more, in the work tree of `now`.
        place: what `now` was started with.
    """
    if now.status != "done":
        failed = next((one.name for one in now.steps if one.state == "failed"), None)
        why = causes.of_failure(then, now, _log(repo, now), str(again.aside.root))
        return Diagnosis(failed, tuple(why), _unrecorded(repo, then))
    first = causes.first(then, now, differing)
    told, other = _step(then, first), _step(now, first)
    given = causes.of_inputs(told, other) if told is not None and other is not None else []
    given += causes.of_seeds(then, now)
    if given:
        return Diagnosis(first.step, tuple(given))
    if first.made_by != then.key:
        recorded, found = _of_maker(repo, first, now, recorded, found)
    if not first.outputs and not first.metrics:
        return Diagnosis(first.step, tuple(causes.suspects(found)))

    def look(changed: Surroundings) -> Mapping[str, str] | None:
        return again.look(first.step, now, changed)

    search = Search(look, _ids(then, first), _ids(now, first), place)
    why = list(_tried(search, recorded, found, _held(repo, now)))
    if not any(one.kind == "randomness" for one in why):
        why += _of_folder(repo, now, first, again)
        why += [one for one in causes.suspects(found) if one.name not in {x.name for x in why}]
    untried = tuple(f"not tried, as it would take long: {what}" for what in search.untried)
    if not why:
        unknown = Cause("unknown", "something that is not in the record", why=_UNKNOWN)
        return Diagnosis(first.step, (unknown,), (*_unrecorded(repo, then), *untried))
    return Diagnosis(first.step, tuple(sorted(why, key=lambda one: not one.proven)), untried)


_UNKNOWN = (
    "it is steady here: perhaps a variable (tracking.env has more of them recorded), a file "
    "outside the project, the network or the date"
)


def _tried(
    search: Search,
    recorded: Mapping[str, Any],
    found: Sequence[Difference],
    here: Mapping[str, Any],
) -> Iterator[Cause]:
    noise = search.noise()
    if noise:
        yield from noise
        return
    blamed = search.of_variables(found)
    yield from blamed
    if not blamed:
        yield from search.of_kernel(recorded, here)


def _of_folder(repo: Repository, now: Run, first: First, again: Again) -> Iterator[Cause]:
    """Yield the folder of the work tree as a cause where an output holds its path."""
    for path in first.outputs:
        out = now.output(path)
        if out is None or out.kind != "file" or out.size > _SEARCHED_BYTES:
            continue
        if causes.holds_folder(repo.objects.get(out.oid), str(again.aside.root)):
            why = f"the path of the folder that it was made in is in {path}"
            yield Cause("folder", "an absolute path", proven=True, why=why)


def _of_maker(
    repo: Repository,
    first: First,
    now: Run,
    recorded: Mapping[str, Any],
    found: Sequence[Difference],
) -> tuple[Mapping[str, Any], Sequence[Difference]]:
    """Return the environment that a step's outputs were made in, and how the one here differs.

    A step that was not stale has its outputs of an earlier run.
    """
    with open_index(repo) as index:
        oid = index.with_key(first.made_by)
    try:
        if oid is None:
            return recorded, found
        earlier = _held(repo, Run.read(repo, oid))
    except MloError:
        return recorded, found
    return earlier, differences.differences(earlier, _held(repo, now))


def _unrecorded(repo: Repository, then: Run) -> tuple[str, ...]:
    """Return what there is to say of files here that neither git nor the record has."""
    listing = ("ls-files", "-z", "--others", "--directory", "--no-empty-directory")
    done = git.run(repo.root, *listing, ok=(0, 128))
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    known = {one.path for one in (*then.inputs, *then.outputs)} | {LOCKFILE}
    found = [
        name
        for name in names
        if not name.startswith(".")
        and "__pycache__" not in name
        and name.rstrip("/") not in known
        and not any(path.startswith(name) for path in known)
        and not (repo.root / pointer.file_of(name.rstrip("/"))).exists()
    ]
    if not found:
        return ()
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return (f"here, but neither in git nor in the record: {', '.join(found[:_SHOWN])}{more}",)


def _held(repo: Repository, run: Run) -> dict[str, Any]:
    if run.environment is None:
        return {}
    held: dict[str, Any] = canonical.decode(repo.objects.get(run.environment))
    return held


def _step(run: Run, first: First) -> StepRun | None:
    return next((one for one in run.steps if one.name == first.step), None)


def _ids(run: Run, first: First) -> dict[str, str]:
    """Return what came of a step, as `Again.look` does, of that what differs."""
    step = _step(run, first)
    numbers = run.metrics if step is None else step.metrics
    found: dict[str, str] = {
        f"metric {name}": repr(numbers[name]) for name in first.metrics if name in numbers
    }
    found |= {out.path: out.oid for out in run.outputs if out.path in first.outputs}
    return found


def _log(repo: Repository, run: Run) -> str:
    if run.log is None:
        return ""
    data = b""
    for piece in repo.objects.stream(run.log):
        data = (data + piece)[-_LOG_BYTES:]
    return data.decode("utf-8", "replace")
