"""What decides what a step produces, as one hash: steps with equal keys share outputs."""

from collections.abc import Mapping
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.plan import Plan

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
    if plan.step.workdir is not None:
        decisive["workdir"] = plan.step.workdir
    return object_id(canonical.encode(decisive))
