"""Notebooks as steps: what to run for one."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from mlops_cli.core.config_steps import Step
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.plan import Plan
from mlops_cli.runs.environment import interpreter

SUFFIX = ".ipynb"


def require(steps: Iterable[Step], path: str) -> None:
    """Raise RequestError if a step is a notebook, and the Python on `path` cannot run any."""
    named = next((step for step in steps if step.notebook is not None), None)
    if named is None:
        return
    folders = interpreter(path).folders
    if not any(os.path.isdir(os.path.join(folder, "papermill")) for folder in folders):
        raise RequestError(
            f"step '{named.name}' is a notebook, and the project's Python has nothing to run it",
            hint="pip install 'mlo[notebook]'",
        )


def command_of(plan: Plan) -> str | tuple[str, ...]:
    """Return the command of a step: what it says, or papermill for its notebook.

    The executed notebook is the step's first output that ends in `.ipynb`; where none does, it is
    not kept. Parameters are those that the step declares, by the last part of their names.
    """
    notebook = plan.step.notebook
    if notebook is None:
        return plan.line
    executed = next((out.path for out in plan.step.files if out.path.endswith(SUFFIX)), os.devnull)
    words = ("python", "-m", "papermill", "--no-progress-bar", "--log-output")
    return (*words, "--parameters_yaml", json.dumps(_given(plan.params)), notebook, executed)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rpartition(".")[2]: value for name, value in params.items()}
