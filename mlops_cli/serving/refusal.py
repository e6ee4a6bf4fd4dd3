"""The one way in which a request is turned down: a status, a sentence, and which fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mlops_cli.registry.values import shown

MOST_PROBLEMS = 20
"""More are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value. Without `row` it is wrong with the whole column."""

    row: int | None
    field: str
    problem: str

    def __str__(self) -> str:
        row = "" if self.row is None else f"row {self.row}, "
        return f"{row}field '{shown(self.field)}' {self.problem}"


class Refused(Exception):
    """Turns down a request; the server answers with `status` and goes on."""

    def __init__(
        self,
        status: int,
        message: str,
        problems: Sequence[Problem] = (),
        *,
        total: int | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """`total` is the number of problems when not all of them are given."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.problems = problems
        self.total = len(problems) if total is None else total
        self.headers = headers

    def body(self) -> bytes:
        """Return the answer's body, JSON: `error`, and where fields are to blame `problems`."""
        answer: dict[str, Any] = {"error": self.message}
        if self.problems:
            answer["problems"] = [
                {"row": one.row, "field": shown(one.field), "problem": one.problem}
                for one in self.problems[:MOST_PROBLEMS]
            ]
            answer["problem_count"] = self.total
        return orjson.dumps(answer)


def refuse_values(problems: Sequence[Problem], total: int) -> Refused:
    """Return the refusal of a request whose values do not fit the model."""
    more = f" (and {total - 1} more)" if total > 1 else ""
    return Refused(422, f"{problems[0]}{more}", problems, total=total)
