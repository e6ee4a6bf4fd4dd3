"""Models for the tests of protocols: a signature with every kind, and answers that are simple."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from mlops_cli.registry.signature import Column, Signature
from mlops_cli.serving.answered import Answered
from mlops_cli.serving.live import Answers, Live
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.validate import Validator

EVERY_KIND = (
    Column("size", "number", 1.0, 8.0, nullable=True),
    Column("count", "integer", 1, 4),
    Column("wild", "boolean"),
    Column("soil", "category", categories=("clay", "loam"), nullable=True),
    Column("grade", "category", categories=(1, 2, 3)),
    Column("note", "text"),
    Column("seen", "datetime", "2026-01-01T00:00:00", "2026-02-01T00:00:00"),
)
ROW: dict[str, Any] = {
    "size": 7.5,
    "count": 4,
    "wild": True,
    "soil": "loam",
    "grade": 2,
    "note": "größer: ja",
    "seen": "2026-01-31T12:00:00",
}
NUMBERS = (Column("x0", "number"), Column("x1", "number", nullable=True), Column("x2", "integer"))


def live(
    columns: Sequence[Column] = EVERY_KIND, classes: tuple[Any, ...] | None = ("no", "yes")
) -> Live:
    """Return a model that was never fitted, for what only asks for its description."""
    signature = Signature(tuple(columns))
    return Live(
        reference="plant@production",
        model="plant",
        version=3,
        version_id="ab" * 32,
        signature=signature,
        classes=classes,
        validator=Validator(signature, max_rows=1000),
        answer=cast(Any, None),
        source=cast(Any, None),
        since="2026-01-31T12:00:00Z",
    )


def answered(model: Live, predictions: list[Any], shares: list[list[float]] | None) -> Answered:
    return Answered(model, Answers(predictions, shares), "00c0ffee00c0ffee", 17)


def refusal(function: Any, *arguments: Any) -> Refused:
    """Return how a call is turned down."""
    try:
        made = function(*arguments)
    except Refused as refused:
        return refused
    raise AssertionError(f"it was taken: {made}")


def asked(table: Any, what: Any) -> Any:
    return replace(table, asked=what)
