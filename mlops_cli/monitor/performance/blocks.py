"""Predictions side by side, and some of very many in memory of bounded size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_cli.data.predictions.block import Cells
from mlops_cli.data.predictions.side_by_side import even

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
        whole = in_order(self._blocks)
        return whole if last is None else _last(whole, last)


@dataclass(slots=True)
class Newest:
    """Takes blocks, and keeps the `most` newest rows of them."""

    most: int
    _blocks: list[Block] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Take the rows of a block."""
        if not self.most or not len(block):
            return
        self._blocks.append(block)
        if sum(map(len, self._blocks)) > 2 * self.most:
            self._blocks = [self.together()]

    def together(self) -> Block:
        """Return what is kept, oldest first."""
        return _last(in_order(self._blocks), self.most)


def _last(whole: Block, rows: int) -> Block:
    import numpy as np

    return whole.take(np.arange(max(len(whole) - rows, 0), len(whole)))


def in_order(blocks: list[Block]) -> Block:
    """Return the rows of all blocks, oldest first."""
    import numpy as np

    whole = _joined(blocks)
    return whole.take(np.lexsort((whole.numbers, whole.segments, whole.times_us)))


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


def wide(shares: NDArray[np.float64], labels: int) -> NDArray[np.float64]:
    """Return probabilities with a column for each label; one that the model lacks has none."""
    import numpy as np

    return np.pad(shares, ((0, 0), (0, labels - shares.shape[1])))
