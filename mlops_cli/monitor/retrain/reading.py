"""Whether the pipeline reads fresh rows: where no step does, it would train on the old ones."""

from __future__ import annotations

from mlops_cli.core.config_retrain import Retrain
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.repository import Repository
from mlops_cli.data import table
from mlops_cli.errors import RequestError
from mlops_cli.pipeline import graph, patterns


def check(repo: Repository, name: str, said: Retrain) -> None:
    """Refuse to retrain a model whose pipeline does not depend on the table of fresh rows.

    Raises:
        RequestError: no step that runs does, or the settings name a step that there is not.
    """
    settings = repo.settings
    steps = graph.build(settings.steps, settings.params).only(said.steps).steps
    deps = [dep for step in steps.values() for dep in step.deps]
    if any(_reads(dep, said.into) for dep in deps):
        return
    of = f" of {', '.join(said.steps)}" if said.steps else ""
    read = next((dep for dep in deps if table.is_table(dep)), None)
    raise RequestError(
        f"no step{of} depends on '{said.into}': {name} would not be trained on the fresh rows",
        hint=f"set monitor.retrain.{name}.into to "
        + (f"{read}, which is read" if read else "what a step has among its deps"),
    )


def _reads(dep: str, path: str) -> bool:
    """Return whether a dependency is a path, holds it, or is a pattern for it.

    >>> [_reads(dep, "data/a.csv") for dep in ("data", "data/*.csv", "data/b.csv", "dat")]
    [True, True, False, False]
    """
    if is_pattern(dep):
        return patterns.touches(dep, path)
    return dep in (path, ".") or path.startswith(f"{dep.rstrip('/')}/")
