"""What steps depend on as it is now: the ids of files, folders, variables and references."""

import os

from mlops_cli.core.fill_step import is_pattern
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.pipeline import patterns
from mlops_cli.pipeline.plan import Plan


class Look:
    """One look at the work tree: each path and each pattern is looked up once."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._ids: dict[str, ObjectId | None] = {}
        self._matches: dict[str, list[str]] = {}

    def current(self, path: str) -> ObjectId | None:
        """Return the id of what is at a path, or None when nothing is there."""
        if path not in self._ids:
            target = paths.locate(self._repo, path)
            there = os.path.lexists(target)
            self._ids[path] = snapshot.take(self._repo, target).oid if there else None
        return self._ids[path]

    def matches(self, pattern: str) -> list[str]:
        """Return the paths that match a pattern."""
        if pattern not in self._matches:
            self._matches[pattern] = patterns.matches(self._repo.root, pattern)
        return self._matches[pattern]

    def of(self, plan: Plan, dep: str) -> dict[str, ObjectId | None]:
        """Return the ids of what one of a step's `paths` stands for, None for what is missing."""
        if is_pattern(dep):
            found = {path: self.current(path) for path in self.matches(dep)}
        else:
            found = {dep: self.current(dep)}
        if dep in plan.optional:
            return {path: oid for path, oid in found.items() if oid is not None}
        return found or {dep: None}

    def inputs(self, plan: Plan) -> dict[str, ObjectId | None]:
        """Return the id of each thing that a step depends on, None for what is missing."""
        found: dict[str, ObjectId | None] = {}
        for dep in plan.paths:
            found.update(self.of(plan, dep))
        found.update(plan.fixed)
        return found


def inputs(repo: Repository, plan: Plan) -> dict[str, ObjectId | None]:
    """Return the id of each thing that a step depends on as it is now, None for what is missing."""
    return Look(repo).inputs(plan)


def current(repo: Repository, path: str) -> ObjectId | None:
    """Return the id of what is at a path of the work tree, or None when nothing is there."""
    return Look(repo).current(path)
