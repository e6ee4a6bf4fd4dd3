"""The run cache: what a step produced when it ran with the same inputs before."""

from collections.abc import Mapping
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.stale import Plan
from mlops_cli.runs.record import Run, StepRun

VERSION = 1


def step_key(plan: Plan, deps: Mapping[str, ObjectId]) -> ObjectId:
    """Return the hash of all that decides what a step produces.

    That is its command, parameters, the ids of its dependencies, and what it is to write; not
    its name, nor the environment, which records keep.
    """
    decisive: dict[str, Any] = {
        "v": VERSION,
        "cmd": plan.cmd if isinstance(plan.cmd, str) else list(plan.cmd),
        "deps": dict(deps),
        "params": dict(plan.params),
        "outs": sorted(graphs.outputs(plan.step)),
        "metrics": sorted(out.path for out in plan.step.metrics),
    }
    return object_id(canonical.encode(decisive))


def look_up(repo: Repository, key: ObjectId) -> StepRun | None:
    """Return a step of an earlier run with this key whose outputs are all in the store."""
    from mlops_cli.runs.index import open_index

    with open_index(repo) as index:
        candidates = index.produced(key)
    for oid in candidates:
        for step in Run.read(repo, oid).steps:
            if step.key == key and step.state == "ran" and _complete(repo, step):
                return step
    return None


def _complete(repo: Repository, step: StepRun) -> bool:
    from mlops_cli.core import tree

    for out in step.outs.values():
        if not repo.objects.has(out.oid):
            return False
        if out.kind == "folder" and not all(
            repo.objects.has(entry.oid) for _, entry in tree.walk(repo.objects, out.oid)
        ):
            return False
    return True
