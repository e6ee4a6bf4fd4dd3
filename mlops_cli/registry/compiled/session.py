"""A compiled model at work: checked values in, JSON values out, without scikit-learn."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry.compiled import layout as layouts
from mlops_cli.registry.compiled.graph import INPUT
from mlops_cli.registry.compiled.layout import Columns, Layout

if TYPE_CHECKING:
    import numpy as np

Said = tuple[list[Any], list[list[float]] | None]
"""A prediction for each row, and the probability of each class if the model gives any."""


@dataclass(frozen=True, slots=True)
class Session:
    """A loaded ONNX file. Safe to use from one thread at a time, and after a fork."""

    layout: Layout
    table: Callable[[Columns], "np.ndarray[Any, Any]"]
    """From values by column to what `run` takes."""
    run: Callable[["np.ndarray[Any, Any]"], "np.ndarray[Any, Any]"]
    """From a table of doubles to the file's one output."""

    def answer(self) -> Callable[[Columns], Said]:
        """Return the function that answers rows.

        It raises RequestError where the answer is not a number: the original refuses such rows.
        """
        table, run = self.table, self.run
        classes = self.layout.classes or ()
        if self.layout.output == "shares":
            return _by_shares(table, run, classes)
        if self.layout.output == "index":
            return lambda columns: (
                [classes[at] for at in run(table(columns)).ravel().tolist()],
                None,
            )
        return _by_value(table, run)


def _by_shares(
    table: Callable[[Columns], Any], run: Callable[[Any], Any], classes: tuple[Any, ...]
) -> Callable[[Columns], Said]:
    def answer(columns: Columns) -> Said:
        found = run(table(columns))
        shares = found.tolist()
        if len(shares) == 1:
            (row,) = shares
            if row[0] != row[0]:  # NaN
                raise _refused()
            return [classes[row.index(max(row))]], shares
        if (found[:, 0] != found[:, 0]).any():
            raise _refused()
        return [classes[at] for at in found.argmax(1).tolist()], shares

    return answer


def _by_value(
    table: Callable[[Columns], Any], run: Callable[[Any], Any]
) -> Callable[[Columns], Said]:
    def answer(columns: Columns) -> Said:
        found = run(table(columns))
        if (found != found).any():
            raise _refused()
        return found.ravel().tolist(), None

    return answer


def _refused() -> RequestError:
    return RequestError("the model refuses the rows: what it says of them is not a number")


def load(data: bytes, *, where: str) -> Session:
    """Return the ONNX file `data`, whose bytes the caller has verified, ready to answer.

    It has no threads of its own, so that a process may fork once it is loaded.

    Raises:
        IntegrityError: it is not a file that `mlo` compiled; `where` names it.
    """
    import onnxruntime

    try:
        held = _opened(onnxruntime, data)
        layout = layouts.from_dict(json.loads(held.get_modelmeta().custom_metadata_map["mlo"]))
    except Exception as error:  # onnxruntime's own errors have no class in common but this
        raise IntegrityError(
            f"the compiled form of {where} cannot be loaded: {_first_line(error)}",
            hint="serve the original: mlo serve ... --runtime native",
        ) from error
    inner, output = held._sess, [layout.output]  # its `run`, without a layer of Python

    def run(rows: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        made: np.ndarray[Any, Any] = inner.run(output, {INPUT: rows}, None)[0]
        return made

    return Session(layout, layouts.table(layout), run)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _opened(onnxruntime: Any, data: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
