"""A model version as something that answers, asked once before the first request needs it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from mlops_cli.core.clock import now
from mlops_cli.data.prediction_log import Source
from mlops_cli.errors import RequestError
from mlops_cli.registry.signature import Column, Signature
from mlops_cli.serving.validate import Columns, Validator

_TIMED = 3


class Answers(NamedTuple):  # a frozen dataclass takes three times as long to make
    """What a model says of some rows: JSON values, and the share of each class if it has any."""

    predictions: list[Any]
    shares: list[list[float]] | None


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """A loaded model version, ready to answer."""

    reference: str
    """What it was found by, such as `churn@production`."""
    model: str
    version: int
    version_id: str
    signature: Signature
    classes: tuple[Any, ...] | None
    validator: Validator
    answer: Callable[[Columns], Answers]
    """From checked values by column to answers. Called by one thread at a time."""
    source: Source
    since: str
    row_s: float = math.inf
    """Seconds that an answer to one row takes, once warmed; `warmed` measures it."""
    sample: Any = None
    """What it said of the made-up row, once warmed: other answers have the same form."""
    role: str = "answer"
    """What becomes of its answers: of `registry.routes.Role`, or `answer` where it stands alone."""

    class_names: tuple[str, ...] = field(init=False)
    """The classes as text, the keys of their shares in an answer."""
    named: bytes = field(init=False)
    """Model and version as every answer in JSON begins."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(map(str, self.classes or ())))
        named = orjson.dumps({"model": self.model, "version": self.version})
        object.__setattr__(self, "named", named[:-1])


def warmed(live: Live) -> Live:
    """Return `live` after it has predicted a row made up from its signature, and timed.

    Raises:
        RequestError: the model refuses the row; the message names the model.
    """
    row = [[_example(column)] for column in live.signature.columns]
    try:
        (sample,) = live.answer(row).predictions
    except RequestError as error:
        named = f"{live.model} v{live.version} answers no row: {error.message}"
        raise RequestError(named, hint=error.hint) from error
    took = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        live.answer(row)
        took.append(time.perf_counter() - started)
    return replace(live, row_s=min(took), sample=sample)


def in_role(live: Live, role: str, reference: str) -> Live:
    """Return the same version in another role, found by `reference`."""
    if (live.role, live.reference) == (role, reference):
        return live
    source = replace(live.source, role=role)
    return replace(live, role=role, reference=reference, source=source)


def example(signature: Signature) -> dict[str, Any]:
    """Return a row that the signature allows: the middle of each range, or the first category.

    >>> example(Signature((Column("age", "integer", 20, 60), Column("job", "text"))))
    {'age': 40, 'job': 'text'}
    """
    return {column.name: _example(column) for column in signature.columns}


def _example(column: Column) -> Any:
    low, high = column.minimum, column.maximum
    if column.kind == "datetime":
        return low if isinstance(low, str) else now().removesuffix("Z")
    if column.kind in {"number", "integer"}:
        middle = 0.0
        if isinstance(low, int | float) and isinstance(high, int | float):
            middle = low + (high - low) / 2
        return int(middle) if column.kind == "integer" else float(f"{middle:.6g}")
    if column.kind == "boolean":
        return False
    if column.categories:
        return column.categories[0]
    return None if column.kind == "category" and column.nullable else "text"
