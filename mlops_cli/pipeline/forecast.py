"""What running the pipeline would do, and why, without doing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlops_cli.core import lockfile
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline import stale
from mlops_cli.pipeline.cache import step_key
from mlops_cli.pipeline.choice import choose
from mlops_cli.pipeline.inputs import inputs
from mlops_cli.pipeline.plan import Plan, Resolve
from mlops_cli.pipeline.run_cache import Cache, open_cache
from mlops_cli.pipeline.stale import StepState


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a step would do: run or restore, and why; nothing when it is up to date."""

    name: str
    action: str
    reasons: tuple[str, ...]


def forecast(
    repo: Repository,
    names: Sequence[str],
    *,
    assignments: Sequence[str] = (),
    force: bool = False,
    downstream: bool = False,
    resolve: Resolve | None = None,
) -> list[Prospect]:
    """Return what each step would do and why, in the order in which they would.

    Raises:
        RequestError: as of `run`.
    """
    chosen = choose(repo, names, assignments, downstream=downstream, resolve=resolve)
    locked = lockfile.read(repo.layout.lockfile)
    states = stale.check(repo, chosen.graph, chosen.plans, locked)
    with open_cache(repo) as cache:
        return [_prospect(repo, cache, chosen.plans[one.name], one, force=force) for one in states]


def _prospect(
    repo: Repository, cache: Cache, plan: Plan, state: StepState, *, force: bool
) -> Prospect:
    if force:
        return Prospect(state.name, "run", state.reasons or ("--force",))
    if not state.stale:
        return Prospect(state.name, "nothing", ())
    deps = inputs(repo, plan)
    known = {dep: oid for dep, oid in deps.items() if oid is not None}
    settled = len(known) == len(deps) and not state.waits
    if settled and cache.look_up(step_key(plan, known)):
        return Prospect(state.name, "restore", state.reasons)
    return Prospect(state.name, "run", state.reasons)
