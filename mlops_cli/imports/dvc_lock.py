"""What DVC's lock says of the stages that became steps, as `mlo.lock` says it."""

from collections.abc import Mapping
from typing import Any

from mlops_cli.core import config, lockfile, yaml_nodes
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.lockfile import LockedOutput, LockedStep
from mlops_cli.core.repository import Repository
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.data import dvc_files
from mlops_cli.data.dvc_files import Digest
from mlops_cli.data.dvc_history import Table
from mlops_cli.errors import RequestError
from mlops_cli.imports import dvc_tree
from mlops_cli.imports.dvc_pipeline import PARAMS, Pipeline
from mlops_cli.pipeline import graph as graphs
from mlops_cli.pipeline.plan import plans
from mlops_cli.runs import metrics
from mlops_cli.runs.params import flatten


class _Stale(Exception):
    """What DVC's lock says is not what is here; the message says why."""


def locked(
    repo: Repository, pipeline: Pipeline, data: bytes, table: Table
) -> tuple[dict[str, LockedStep], dict[str, str]]:
    """Return the steps that are up to date by the `dvc.lock` in `data`; why others are not.

    The settings must hold the steps already. Outputs that git kept are stored on the way.
    """
    document = dict(yaml_nodes.parse(data, where=dvc_files.LOCKFILE).items())
    stages = dict(document["stages"].items()) if "stages" in document else document
    found: dict[str, LockedStep] = {}
    why: dict[str, str] = {}
    for stage, name in pipeline.stages.items():
        try:
            if stage not in stages:
                raise _Stale("it never ran")
            found[name] = _step(repo, name, dict(stages[stage].items()), table)
        except (_Stale, RequestError) as error:
            why[name] = str(error)
    return found, why


def _step(repo: Repository, name: str, lock: dict[str, Value], table: Table) -> LockedStep:
    step = repo.settings.steps[name]
    alone = graphs.build({name: step})
    plan = plans(repo, alone, repo.settings.params)[name]
    wanted = _digests(lock, "deps")
    deps = {path: _here(repo, path, wanted.get(path), table) for path in step.deps}
    _compare_params(repo.settings.params, plan.params, lock)
    made = _digests(lock, "outs")
    outs = {
        out.path: _output(repo, out.path, made.get(out.path), table)
        for out in step.files
        if out.cache
    }
    left = {out.path: _left(repo, out.path, made, table) for out in step.files if not out.cache}
    groups = {
        out.path: metrics.read_file(repo.root / out.path, where=out.path) for out in step.metrics
    }
    numbers = metrics.merge(groups)
    return LockedStep(plan.cmd, deps, plan.params, outs, numbers, lockfile.NO_RUN, uncached=left)


def _digests(lock: Mapping[str, Value], key: str) -> dict[str, Digest]:
    if key not in lock:
        return {}
    found: dict[str, Digest] = {}
    for value in lock[key].each():
        out = dvc_files.entry(value)
        if out is not None and out.digest is not None:
            found[out.path] = out.digest
    return found


def _here(repo: Repository, path: str, digest: Digest | None, table: Table) -> ObjectId:
    """Return the id of what is at a path, if that is what DVC says."""
    if path == PARAMS and digest is None:
        now = dvc_tree.current(repo, path)
        if now is not None:
            return now.oid
    if digest is None:
        raise _Stale(f"'{path}' is not in {dvc_files.LOCKFILE}")
    if digest in table:
        now = dvc_tree.current(repo, path)
        if now is None or now.oid == table[digest].oid:
            return table[digest].oid  # what is not checked out is no other version
    elif dvc_tree.digest_of(repo.root, path) == digest.hex + (".dir" if digest.folder else ""):
        now = dvc_tree.current(repo, path)
        if now is not None:
            return now.oid
    raise _Stale(f"'{path}' is not what it was when DVC ran it")


def _output(repo: Repository, path: str, digest: Digest | None, table: Table) -> LockedOutput:
    if digest is not None and digest in table:
        kept = table[digest]
        return LockedOutput(kept.oid, kept.kind, kept.size)
    oid = _here(repo, path, digest, table)
    from mlops_cli.data import snapshot

    with repo.objects.writer() as writer:
        found = snapshot.take(repo, repo.root / path, writer=writer)
    if found.oid != oid:
        raise _Stale(f"'{path}' changes while it is read")
    return LockedOutput(found.oid, found.kind, found.size)


def _left(repo: Repository, path: str, made: Mapping[str, Digest], table: Table) -> LockedOutput:
    """Return an output that git keeps, or nobody."""
    oid = _here(repo, path, made.get(path), table)
    now = dvc_tree.current(repo, path)
    if now is None or now.oid != oid:
        raise _Stale(f"'{path}' is not what it was when DVC ran it")
    return LockedOutput(now.oid, now.kind, now.size)


def _compare_params(
    params: Mapping[str, Any], others: Mapping[str, Any], lock: Mapping[str, Value]
) -> None:
    if "params" not in lock:
        return
    for file, keys in lock["params"].items():
        if file != PARAMS:
            was = flatten({key: value.plain() for key, value in keys.items()})
            for key in was:
                if f"{file}:{key}" in others and others[f"{file}:{key}"] != was[key]:
                    raise _Stale(f"parameter {key} of {file} is not what it was when DVC ran it")
            continue
        for key, value in keys.items():
            try:
                same = config.lookup(params, key) == value.plain()
            except KeyError:
                same = False
            if not same:
                raise _Stale(f"parameter {key} is not what it was when DVC ran it")


def write(repo: Repository, steps: Mapping[str, LockedStep]) -> None:
    """Put steps into `mlo.lock`, beside those that are there."""
    from mlops_cli.core.files import write_whole

    held = {**lockfile.read(repo.layout.lockfile), **steps}
    write_whole(repo.layout.lockfile, lockfile.encode(held), aside=repo.layout.tmp)
