"""What a version was asked and what it answered, from the prediction log."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.prediction_log import Window
from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.data.predictions.side_by_side import Gathering
from mlops_cli.monitor.distribution import Table
from mlops_cli.monitor.given import MOST_ROWS, Block
from mlops_cli.monitor.sources import blocks, log, opened
from mlops_cli.monitor.span import Span
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 50_000
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")


@dataclass(frozen=True, slots=True)
class Answers:
    """Predictions in sum.

    Attributes:
        table: what was asked, by the names of the inputs.
        answers: what was answered: `prediction`, and for each class `probability of CLASS`.
        hidden: inputs of which the log does not have all values.
        sampled: whether these are fewer than there are, chosen evenly.
    """

    table: Table
    answers: Table
    hidden: tuple[str, ...]
    sampled: bool = False


class Log:
    """The predictions of a version in a span; rows are read when they are needed, and once."""

    def __init__(
        self, repo: Repository, version: Version, span: Span, *, approx: bool = False
    ) -> None:
        self.tally = Tally()
        self._repo, self._version, self._span = repo, version, span
        self._approx = approx
        self._window: Window | None = None
        self._summed: Answers | None = None

    def like_moments(self) -> list[str]:
        """Return the inputs of which the first value is text that looks like a moment."""
        parts = prediction_log.batches(
            self._repo,
            self._version.model,
            version_ids=self._ids,
            since=self._span.since,
            until=self._span.until,
        )
        first = next(parts, None)
        if first is None:
            return []
        return [name for name, cells in first.columns.items() if _like_moment(cells)]

    def summed(self, moments: Collection[str]) -> Answers:
        """Return all of them in sum; `moments` are inputs that requests write as text."""
        if self._span.last is not None:
            found = self._of_rows(moments)
        else:
            held = log.summed(
                self._repo,
                self._version.model,
                version_ids=self._ids,
                since=self._span.since,
                until=self._span.until,
                moments=moments,
                approx=self._approx,
                tally=self.tally,
            )
            found = Answers(held.inputs, held.answers, held.hidden)
        self._summed = found
        return found

    @property
    def answers(self) -> Table:
        """What was answered, in sum, once `summed` was asked for."""
        assert self._summed is not None
        return self._summed.answers

    @property
    def hidden(self) -> tuple[str, ...]:
        """Inputs of which the log does not have the values, once `summed` was asked for."""
        assert self._summed is not None
        return self._summed.hidden

    @property
    def sampled(self) -> bool:
        """Whether `blocks` gives fewer than there are, chosen evenly."""
        return self._span.last is not None and self.window().sampled

    def window(self) -> Window:
        """Return the predictions side by side, oldest first, so many as can be held."""
        if self._window is None:
            tally = self.tally if self._span.last is not None else Tally()
            self._window = prediction_log.window(
                self._repo,
                self._version.model,
                version_ids=self._ids,
                since=self._span.since,
                until=self._span.until,
                last=self._span.last,
                most=MOST_ROWS,
                tally=tally,
            )
        return self._window

    def blocks(self) -> Iterator[Block]:
        """Yield the predictions, some thousands at a time; of the `last` so many as can be held."""
        if self._span.last is not None:
            window = self.window()
            if len(window):
                yield _block(window)
            return
        held = Gathering(last=None, most=None)
        for part in prediction_log.batches(
            self._repo,
            self._version.model,
            version_ids=self._ids,
            since=self._span.since,
            until=self._span.until,
        ):
            held.add(part)
            if len(held) >= _ROWS:
                yield _block(held.window())
                held = Gathering(last=None, most=None)
        if len(held):
            yield _block(held.window())

    @property
    def _ids(self) -> set[str]:
        return {self._version.id, *self._version.formerly}

    def _of_rows(self, moments: Collection[str]) -> Answers:
        window = self.window()
        as_text = frozenset(window.features.columns) - frozenset(moments)
        table = summed_frame(window.features, as_text=as_text)
        return Answers(table, summed_frame(answers_of(window)), window.hidden, window.sampled)


def _block(window: Window) -> Block:
    import numpy as np

    moments = window.times.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return Block(window.features, moments.astype(np.int64), answers_of(window))


def answers_of(window: Window) -> pd.DataFrame:
    """Return what was answered, named as in `Answers`."""
    names = {name: f"probability of {name}" for name in window.probabilities.columns}
    found = window.probabilities.rename(columns=names)
    found.insert(0, log.PREDICTION, window.predictions.to_numpy())
    return found


def summed_frame(frame: pd.DataFrame, *, as_text: Collection[str] | None = None) -> Table:
    """Return a data frame in sum; text that is a moment is one, but in the columns `as_text`.

    With None no text is.
    """
    begin = opened.beginning(approx=False, scratch=None)
    moments = as_text is not None
    return blocks.of_frames([frame], begin, moments=moments, as_text=frozenset(as_text or ()))


def _like_moment(cells: Cells) -> bool:
    if cells.values.dtype.kind not in "OU":
        return False
    there = [value for value in cells.values[:1000].tolist() if isinstance(value, str)]
    return bool(there) and bool(_MOMENT.fullmatch(there[0]))
