"""Notebooks as steps: what to run for one."""

import json
from collections.abc import Mapping
from typing import Any

from mlops_cli.pipeline.plan import Plan

SUFFIX = ".ipynb"


def command_of(plan: Plan) -> str | tuple[str, ...]:
    """Return the command of a step: what it says, or papermill for its notebook.

    The executed notebook is the step's first output that ends in `.ipynb`; where none does, it is
    not kept. Parameters are those that the step declares, by the last part of their names.
    """
    notebook = plan.step.notebook
    if notebook is None:
        return plan.line
    executed = next((out.path for out in plan.step.files if out.path.endswith(SUFFIX)), "-")
    words = ["python", "-m", "papermill", "--no-progress-bar", "--log-output"]
    if executed == "-":
        executed = "/dev/null"
    return (*words, "--parameters_yaml", json.dumps(_given(plan.params)), notebook, executed)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rpartition(".")[2]: value for name, value in params.items()}
