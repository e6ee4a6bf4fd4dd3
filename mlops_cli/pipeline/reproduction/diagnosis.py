"""Where a run first came out otherwise, and why, by what is known and what is tried."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError
from mlops_cli.pipeline.reproduction import causes, differences
from mlops_cli.pipeline.reproduction.again import Again
from mlops_cli.pipeline.reproduction.causes import Cause, First, Search
from mlops_cli.pipeline.reproduction.differences import Difference
from mlops_cli.pipeline.reproduction.surroundings import Surroundings
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run, StepRun

_LOG_BYTES = 256 * 1024
_SEARCHED_BYTES = 64 * 1024 * 1024


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
) -> tuple[str | None, list[Cause], list[str]]:
    """Return the step where two runs part, the causes, the proven first, and what there is to say.

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
        folder = str(again.aside.root)
        return failed, causes.of_failure(then, now, _log(repo, now), folder), []
    first = causes.first(then, now, differing)
    told, other = _step(then, first), _step(now, first)
    given = causes.of_inputs(told, other) if told is not None and other is not None else []
    given += causes.of_seeds(then, now)
    if given:
        return first.step, given, []
    if first.made_by != then.key:
        recorded, found = _of_maker(repo, first, now, recorded, found)
    search = Search(
        lambda changed: again.look(first.step, now, changed),
        _ids(then, first),
        _ids(now, first),
        place,
    )
    why = (
        list(_tried(search, recorded, found, _held(repo, now)))
        if first.outputs or first.metrics
        else []
    )
    noise = [one for one in why if one.kind == "randomness"]
    if not noise:
        why += _of_folder(repo, now, first, again)
        why += [one for one in causes.suspects(found) if one.name not in {x.name for x in why}]
    if not why and (first.outputs or first.metrics):
        why = [Cause("unknown", "something that is not in the record", why=_UNKNOWN)]
    notes = [f"not tried, as it would take long: {what}" for what in search.untried]
    return first.step, sorted(why, key=lambda one: not one.proven), notes


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
