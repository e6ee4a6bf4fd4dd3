"""What an explanation says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlops_cli.registry.evaluation.record import Data

Method = Literal["permutation", "shap"]


@dataclass(frozen=True, slots=True)
class Weight:
    """A column and how much it matters; of one row also its value there.

    `std` is the standard deviation over repeats; None where there is none.
    """

    column: str
    value: float
    std: float | None = None
    cell: Any = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which columns a version goes by.

    Attributes:
        version: its id, `number` its number.
        method: how it was found.
        of: what the weights are about, in words: `the loss of roc_auc`, or
            `the probability of 'yes'`.
        data: the table that rows were taken from; of one row those it was compared with.
        rows: how many of them, of `all_rows` that it has.
        weights: from the one that matters most to the one that does least.
        row: the row that is explained, by column; None where the model is explained as a whole.
        answer: what the model says of that row.
        score: the metric when nothing is changed; of a row what the model gives it.
        base: of a row what the model gives on average to the rows of `data`.
        notes: what else a reader must know.
    """

    model: str
    number: int
    version: str
    method: Method
    of: str
    data: Data
    rows: int
    all_rows: int
    weights: tuple[Weight, ...]
    row: Mapping[str, Any] | None = None
    answer: Any = None
    score: float | None = None
    base: float | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def named(one: Weight, *, of_row: bool) -> str:
    """Return a column's name, of a row with its value there.

    >>> named(Weight("age", 0.5), of_row=True), named(Weight("age", 0.5, cell=41.5), of_row=True)
    ('age is missing', 'age = 41.5')
    """
    if not of_row:
        return one.column
    if one.cell is None:
        return f"{one.column} is missing"
    cell = f"{one.cell:.6g}" if isinstance(one.cell, float) else one.cell
    return f"{one.column} = {cell}"


def ordered(weights: "list[Weight]") -> tuple[Weight, ...]:
    """Return weights, the largest first, whatever their sign."""
    return tuple(sorted(weights, key=lambda one: (-abs(one.value), one.column)))
