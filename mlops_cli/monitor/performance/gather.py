"""The predictions of a version, and those whose truth is known, in memory of bounded size.

Of more than a million a million are kept, chosen evenly and each time alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.rows import Rows
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.data.predictions.side_by_side import even
from mlops_cli.monitor.performance.codes import Codes, numbers
from mlops_cli.registry.evaluation.answers import Answers, Label, Labelled, Measured
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlops_cli.monitor.live import Span

MOST_ROWS = 1_000_000
_MOST_CELLS = 8_000_000
"""Of models with many classes, or inputs, fewer rows are kept."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some predictions side by side; `truth` and `told_us` only of those that are labelled."""

    times_us: NDArray[np.int64]
    segments: NDArray[np.int64]
    numbers: NDArray[np.int64]
    predicted: NDArray[Any]
    shares: NDArray[np.float64] | None
    columns: dict[str, Cells]
    truth: NDArray[Any] | None = None
    told_us: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.times_us)

    def take(self, chosen: NDArray[Any]) -> Block:
        """Return some of the rows, by a mask or by their places."""
        return Block(
            self.times_us[chosen],
            self.segments[chosen],
            self.numbers[chosen],
            self.predicted[chosen],
            None if self.shares is None else self.shares[chosen],
            {name: cells.take(chosen) for name, cells in self.columns.items()},
            None if self.truth is None else self.truth[chosen],
            None if self.told_us is None else self.told_us[chosen],
        )


@dataclass(slots=True)
class Kept:
    """Takes blocks, and keeps `most` rows of them."""

    most: int
    rows: int = 0
    """How many there were."""
    _blocks: list[Block] = field(default_factory=list)
    _held: int = 0
    _bits: int = 0

    def add(self, block: Block) -> None:
        """Take the rows of a block."""
        self.rows += len(block)
        if self._bits:
            block = block.take(even(block.numbers, self._bits))
        if len(block):
            self._blocks.append(block)
            self._held += len(block)
        while self._held > self.most:
            self._bits += 1
            parts = [one.take(even(one.numbers, self._bits)) for one in self._blocks]
            self._blocks = [one for one in parts if len(one)]
            self._held = sum(map(len, self._blocks))

    @property
    def sampled(self) -> bool:
        """Whether some rows stand for all."""
        return self._bits > 0

    def together(self, last: int | None = None) -> Block:
        """Return all that is kept, oldest first, or the last ones."""
        import numpy as np

        whole = _joined(self._blocks)
        order = np.lexsort((whole.numbers, whole.segments, whole.times_us))
        return whole.take(order if last is None else order[max(len(order) - last, 0) :])


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was predicted, and what is known to be true.

    Attributes:
        labels: of a classifier: what the arrays name by place; () of a regressor.
        asked: all predictions; `rows` is how many there were, where these are fewer.
        known: those whose truth is known; `labelled` is how many there were.
        segments: names of segments, by place, of which prediction ids begin with one.
        unusable: labels that are no numbers where numbers are predicted.
        hidden: columns of which the log does not have the values.
    """

    labels: tuple[Label, ...]
    asked: Block
    known: Block
    rows: int
    labelled: int
    segments: tuple[str, ...]
    unusable: int
    hidden: tuple[str, ...]
    sampled: bool
    tally: Tally


def answers(block: Block, labels: Sequence[Label], positive: Label | None) -> Answers:
    """Return rows as metrics take them; where the truth is not known it is what was predicted.

    Args:
        block: rows whose places are all among `labels`.
        labels: of a classifier, () of a regressor.
        positive: the favourable label; of two the last one by default.
    """
    truth = block.predicted if block.truth is None else block.truth
    if not labels:
        return Measured(truth, block.predicted)
    place = labels.index(positive) if positive in labels else None
    if place is None and len(labels) == 2:
        place = 1
    shares = None if block.shares is None else wide(block.shares, len(labels))
    return Labelled(tuple(labels), truth, block.predicted, shares, place)


def wide(shares: NDArray[np.float64], labels: int) -> NDArray[np.float64]:
    """Return probabilities with a column for each label; one that the model lacks has none."""
    import numpy as np

    return np.pad(shares, ((0, 0), (0, labels - shares.shape[1])))


def gather(
    repo: Repository,
    version: Version,
    span: Span,
    *,
    labels: Sequence[Label] | None,
    columns: Sequence[str] = (),
    inputs: Sequence[str] = (),
) -> Gathered:
    """Return the predictions of a version that clients had.

    Args:
        repo: where.
        version: which.
        span: which of them.
        labels: of a classifier, in the order of its probabilities as far as known; None for
            numbers.
        columns: inputs that are kept of labelled predictions.
        inputs: those that are kept of all.
    """
    tally = Tally()
    codes = None if labels is None else Codes(labels)
    classes = max(len(labels or ()), 1)
    wanted = MOST_ROWS if not inputs else MOST_ROWS // 10
    asked = Kept(min(wanted, _MOST_CELLS // max(classes, len(inputs), 1)))
    known = Kept(min(MOST_ROWS, _MOST_CELLS // max(classes, len(columns), 1)))
    places: dict[str, int] = {}
    hidden: dict[str, None] = {}
    unusable = 0
    for part in prediction_log.batches(
        repo,
        version.model,
        version_ids={version.id, *version.formerly},
        since=span.since,
        until=span.until,
        labelled=True,
        tally=tally,
    ):
        place = places.setdefault(part.segment, len(places))
        every = _block(part, place, codes)
        hidden |= dict.fromkeys(one for one in (*columns, *inputs) if not _told(part, one))
        asked.add(_with(every, part, inputs))
        there, truth = _truth(part, codes)
        unusable += int(_has_label(part).sum()) - len(there)
        if len(there):
            assert part.labelled_us is not None
            some = _with(every, part, columns).take(there)
            known.add(
                Block(
                    some.times_us,
                    some.segments,
                    some.numbers,
                    some.predicted,
                    some.shares,
                    some.columns,
                    truth,
                    part.labelled_us[there],
                )
            )
    every, labelled = asked.together(span.last), known.together()
    if span.last is not None and len(every):
        labelled = labelled.take(labelled.times_us >= every.times_us[0])
    cut = span.last is not None
    return Gathered(
        labels=() if codes is None else codes.labels,
        asked=every,
        known=labelled,
        rows=len(every) if cut else asked.rows,
        labelled=len(labelled) if cut else known.rows,
        segments=tuple(places),
        unusable=unusable,
        hidden=tuple(hidden),
        sampled=asked.sampled or known.sampled,
        tally=tally,
    )


def _block(part: Rows, place: int, codes: Codes | None) -> Block:
    import numpy as np

    return Block(
        times_us=part.times_us,
        segments=np.full(len(part), place, dtype=np.int64),
        numbers=part.numbers,
        predicted=numbers(part.predictions) if codes is None else codes.of(part.predictions),
        shares=None if codes is None else _shares(part, codes),
        columns={},
    )


def _shares(part: Rows, codes: Codes) -> NDArray[np.float64] | None:
    """Return probabilities in the order of the labels."""
    import numpy as np

    if part.shares is None or part.source.classes is None:
        return None
    places = [codes[one] for one in part.source.classes]
    if places == list(range(part.shares.shape[1])):
        return part.shares
    found = np.zeros((len(part), max(places) + 1))
    found[:, places] = part.shares
    return found


def _with(block: Block, part: Rows, names: Sequence[str]) -> Block:
    import numpy as np

    empty = Cells(np.empty(len(part), dtype=object), np.ones(len(part), dtype=np.bool_))
    held = {name: part.columns.get(name, empty) for name in names}
    return Block(block.times_us, block.segments, block.numbers, block.predicted, block.shares, held)


def _told(part: Rows, name: str) -> bool:
    return name in part.columns and name not in part.hashed


def _has_label(part: Rows) -> NDArray[np.bool_]:
    assert part.labels is not None
    assert part.labels.gaps is not None
    return ~part.labels.gaps


def _truth(part: Rows, codes: Codes | None) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return which rows have a label that can be used, and what is true of them."""
    import numpy as np

    assert part.labels is not None
    there = np.flatnonzero(_has_label(part))
    held = part.labels.take(there)
    if codes is not None:
        return there, codes.of(held)
    values = numbers(held)
    good = np.isfinite(values)
    return there[good], values[good]


def _joined(blocks: list[Block]) -> Block:
    import numpy as np

    if not blocks:
        none = np.zeros(0, dtype=np.int64)
        return Block(none, none, none, none, None, {}, none, none)
    first = blocks[0]
    shares = [one.shares for one in blocks if one.shares is not None]
    known = [one.truth for one in blocks if one.truth is not None]
    told = [one.told_us for one in blocks if one.told_us is not None]
    classes = max((one.shape[1] for one in shares), default=0)
    return Block(
        np.concatenate([one.times_us for one in blocks]),
        np.concatenate([one.segments for one in blocks]),
        np.concatenate([one.numbers for one in blocks]),
        np.concatenate([one.predicted for one in blocks]),
        np.concatenate([wide(one, classes) for one in shares])
        if len(shares) == len(blocks)
        else None,
        {name: _cells([one.columns[name] for one in blocks]) for name in first.columns},
        np.concatenate(known) if known else None,
        np.concatenate(told) if told else None,
    )


def _cells(parts: list[Cells]) -> Cells:
    import numpy as np

    arrays = [one.array() for one in parts]
    kinds = {one.dtype.kind for one in arrays}
    if kinds <= {"i", "f"} or kinds == {"b"}:
        return Cells(np.concatenate(arrays))
    return Cells(np.concatenate([one.astype(object) for one in arrays]))
