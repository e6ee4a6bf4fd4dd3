"""What running the pipeline would do, and why, without doing it."""

from collections.abc import Sequence

from mlops_cli.core import lockfile, tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lockfile import Lock
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MissingObject
from mlops_cli.pipeline import outputs, stale
from mlops_cli.pipeline.cache import step_key
from mlops_cli.pipeline.choice import Chosen, choose
from mlops_cli.pipeline.inputs import inputs
from mlops_cli.pipeline.places import above
from mlops_cli.pipeline.plan import Plan, Resolve
from mlops_cli.pipeline.required import require
from mlops_cli.pipeline.run_cache import Bring, Cache, open_cache
from mlops_cli.pipeline.stale import StepState
from mlops_cli.runs.record import Artifact


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
    bring: Bring | None = None,
    resolve: Resolve | None = None,
) -> list[Prospect]:
    """Return what each step would do and why, in the order in which they would.

    Raises:
        RequestError: as of `run`.
    """
    chosen = choose(repo, names, assignments, downstream=downstream, resolve=resolve)
    require(repo, chosen.graph, chosen.plans, bring)
    outputs.check_places(repo, chosen.graph.steps.values())
    locked = lockfile.read(repo.layout.lockfile)
    states = stale.check(repo, chosen.graph, chosen.plans, locked)
    with open_cache(repo, bring) as cache:
        seer = _Seer(repo, chosen, locked, cache)
        return [seer.prospect(one, force=force) for one in states]


class _Seer:
    """Looks at steps in the order in which they would be settled."""

    def __init__(self, repo: Repository, chosen: Chosen, locked: Lock, cache: Cache) -> None:
        self._repo = repo
        self._chosen = chosen
        self._locked = locked
        self._cache = cache
        self._running: set[str] = set()
        self._back: dict[str, ObjectId] = {}
        """Outputs that would come back, by path."""

    def prospect(self, state: StepState, *, force: bool) -> Prospect:
        if not force and not state.stale:
            return Prospect(state.name, "nothing", ())
        outs = None if force else self._known(state.name)
        if outs is None:
            self._running.add(state.name)
            return Prospect(state.name, "run", state.reasons or ("--force",))
        self._back.update(outs)
        return Prospect(state.name, "restore", state.reasons)

    def _known(self, name: str) -> dict[str, ObjectId] | None:
        """Return what a step would write, where it ran with the same inputs before."""
        if not self._running.isdisjoint(self._chosen.graph.needs[name]):
            return None
        plan = self._chosen.plans[name]
        deps = self._deps(plan)
        if deps is None:
            return None
        locked = self._locked.get(name)
        if locked is not None and not locked.uncached and not stale.difference(plan, deps, locked):
            kept = [Artifact(p, one.oid, one.kind, one.size) for p, one in locked.outs.items()]
            if self._cache.complete(kept):
                return {one.path: one.oid for one in kept}
        earlier = self._cache.look_up(step_key(plan, deps))
        if earlier is None:
            return None
        return {path: out.oid for path, out in earlier.outs.items()}

    def _deps(self, plan: Plan) -> dict[str, ObjectId] | None:
        """Return the ids that a step's dependencies would have; None when one is not known."""
        found = {}
        for dep, now in inputs(self._repo, plan).items():
            oid = self._to_come(dep) or now
            if oid is None:
                return None
            found[dep] = oid
        return found

    def _to_come(self, dep: str) -> ObjectId | None:
        """Return the id of what would come back at a path, or in a folder that holds it."""
        for path in (dep, *above(dep)):
            if path in self._back:
                return self._inside(self._back[path], dep[len(path) + 1 :])
        return None

    def _inside(self, oid: ObjectId, rest: str) -> ObjectId | None:
        if not rest:
            return oid
        try:
            files = tree.walk(self._repo.objects, oid)
            return next((entry.oid for name, entry in files if name == rest), None)
        except MissingObject:
            return None
