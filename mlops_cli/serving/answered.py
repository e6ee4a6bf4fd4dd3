"""What a model said of the rows of one request, and the ids that its predictions have."""

from typing import NamedTuple

from mlops_cli.serving.live import Answers, Live


class Answered(NamedTuple):  # a frozen dataclass takes three times as long to make
    """The answers to one request: of its rows alone, whatever else was in the batch."""

    live: Live
    answers: Answers
    segment: str
    """Of the prediction log."""
    first: int
    """The number of the first row in it."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.answers.predictions)

    @property
    def ids(self) -> list[str]:
        """The prediction id of each row."""
        return [f"{self.segment}-{number}" for number in range(self.first, self.first + self.rows)]
