"""Whether a model answers at all: one that nobody fitted is no version."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlops_cli.core.clock import now
from mlops_cli.errors import RequestError
from mlops_cli.registry.example import Example
from mlops_cli.registry.frame import compile_frame
from mlops_cli.registry.signature import Column, Signature

if TYPE_CHECKING:
    import pandas as pd

    from mlops_cli.registry.formats import Predictor


def check(predictor: "Predictor", columns: Signature | None, shown: Example | None) -> None:
    """Ask a model about the rows of its example, and about one that is made up.

    It is refused when it says that it was not fitted. So it is when it has an example, and answers
    neither any row of that nor the made-up one; a row alone may have gaps that training left out.

    Raises:
        RequestError: it answers nothing; the message says why.
    """
    first: Exception | None = None
    for frame in _rows(columns, shown):
        try:
            predictor.predict(frame)
        except Exception as error:  # a model's own code may raise anything
            if _is_unfitted(error):
                name = type(predictor.model).__name__
                raise RequestError(
                    f"this {name} is not fitted, so it answers nothing",
                    hint="fit it before it is saved",
                ) from error
            first = first or error
        else:
            return
    if first is not None and shown is not None and shown.rows:
        raise RequestError(
            f"the model answers no row of its own example: {_told(first)}",
            hint="see that it predicts after it is loaded, or give the data it was fitted on",
        ) from first


def _rows(columns: Signature | None, shown: Example | None) -> Iterator["pd.DataFrame"]:
    """Yield tables to ask about; where nobody knows what the model takes, one of a number."""
    import pandas as pd

    if columns is None or not columns.columns:
        yield pd.DataFrame({"x0": [0.0]})
        return
    build = compile_frame(columns)
    if shown is not None and shown.columns == columns.names:
        for rows in (shown.rows, *[(row,) for row in shown.rows]):
            try:
                frame = build(list(zip(*rows, strict=True)))
            except (TypeError, ValueError):
                continue  # an infinity was no JSON value
            yield frame
    yield build([[_made_up(column)] for column in columns.columns])


def _made_up(column: Column) -> Any:
    if column.kind in ("number", "integer"):
        return 0 if column.minimum is None else column.minimum
    if column.kind == "datetime":
        return column.minimum or now().removesuffix("Z")
    if column.kind == "boolean":
        return False
    return column.categories[0] if column.categories else "text"


def _is_unfitted(error: BaseException) -> bool:
    """Return whether scikit-learn's error, or one that is made of it, is behind another."""
    causes = [error, error.__cause__]
    return any(kind.__name__ == "NotFittedError" for one in causes for kind in type(one).__mro__)


def _told(error: Exception) -> str:
    message = error.message if isinstance(error, RequestError) else str(error)
    return (message.strip().splitlines() or [type(error).__name__])[0]
