"""The rows of two tables as numbers, which tests of many columns together take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_cli.monitor import kinds, numeric, words
from mlops_cli.monitor.sources.frame import of_series

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_COLUMNS = 200
"""Of more columns so many are taken, evenly chosen."""
_COMMONEST = 10
_DIRECTIONS = 8


@dataclass(slots=True)
class Encoded:
    """Both tables as numbers.

    Attributes:
        reference: rows of one, shape (m, k), finite, each column of about unit size.
        current: rows of the other, shape (n, k).
        columns: which of the k belong to which column of the tables.
        left_out: the columns that are not among them, and why.
    """

    reference: Floats
    current: Floats
    columns: dict[str, list[int]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def encode(reference: pd.DataFrame, current: pd.DataFrame) -> Encoded:
    """Return the rows of two tables as numbers, of the columns that both have.

    Numbers are centred and scaled by what both have; a missing one is the mean, and one column
    more says that it is missing. Of categories the ten commonest are a column each. Text is told by
    its words, in eight directions. Of a column without a value on one side it is told which rows
    have one. Dates, keys and columns without any value are left out.

    Source:
        of the directions of text: S. Deerwester et al., Indexing by latent semantic analysis,
        Journal of the American Society for Information Science 41 (1990) 391-407.
    """
    import numpy as np
    import pandas as pd

    shared = [name for name in reference.columns if name in current.columns]
    step = max(1, -(-len(shared) // MOST_COLUMNS))
    made: list[Floats] = [np.zeros((len(reference) + len(current), 0))]
    found = Encoded(made[0], made[0])
    for place, name in enumerate(shared):
        sides = reference[name], current[name]
        block = _block(pd.concat(sides, ignore_index=True), *sides) if place % step == 0 else _MANY
        if isinstance(block, str):
            found.left_out[str(name)] = block
            continue
        start = sum(one.shape[1] for one in made)
        found.columns[str(name)] = list(range(start, start + block.shape[1]))
        made.append(block)
    rows = np.concatenate(made, axis=1)
    found.reference, found.current = rows[: len(reference)], rows[len(reference) :]
    return found


_MANY = "one of too many"


def _block(
    both: pd.Series[Any], reference: pd.Series[Any], current: pd.Series[Any]
) -> Floats | str:
    """Return a column of both tables as numbers, or why it is left out."""
    import numpy as np

    here, there = kinds.kind_of(reference), kinds.kind_of(current)
    if here == there == "empty":
        return "no value"
    if "empty" in (here, there):
        return np.stack([both.isna().to_numpy(np.float64)], axis=1)
    if {here, there} <= {"number", "boolean"}:
        if numeric.never_repeat(of_series(reference)):
            return "keys"
        return _numbers(both)
    if here != there:
        return "of another type"
    if here == "datetime":
        return "dates"
    are_names = {of_series(reference).names, of_series(current).names}
    found = _texts(both) if True in are_names else _categories(both)
    return _categories(both) if isinstance(found, str) and False in are_names else found


def _numbers(both: pd.Series[Any]) -> Floats:
    import numpy as np

    values = np.array(both.astype(object).to_numpy(np.float64, na_value=np.nan))
    finite = np.isfinite(values)
    missing = np.isnan(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    mean, spread = _scale(np.clip(values[~missing], low, high))
    scaled = np.where(missing, 0.0, (np.clip(values, low, high) - mean) / spread)
    parts = [scaled, missing.astype(np.float64)] if missing.any() else [scaled]
    return np.stack(parts, axis=1)


def _scale(values: Floats) -> tuple[float, float]:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = float(values.mean()), float(values.std())
    if not np.isfinite(mean) or not np.isfinite(spread):
        return 0.0, float(np.abs(values).max())
    return mean, spread or 1.0


def _categories(both: pd.Series[Any]) -> Floats:
    import numpy as np

    cells = both.astype(object).where(both.notna(), None).map(str, na_action="ignore")
    commonest = cells.value_counts().index[:_COMMONEST]
    parts = [(cells == name).to_numpy(np.float64) for name in commonest]
    if both.isna().any():
        parts.append(both.isna().to_numpy(np.float64))
    return np.stack(parts, axis=1)


def _texts(both: pd.Series[Any]) -> Floats | str:
    """Return texts in a few directions that hold most of their words, or that they are names."""
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts: Sequence[str] = both.astype(object).where(both.notna(), "").map(str).tolist()
    if not words.of_texts(filter(None, texts), len(texts)).make_text:
        return "names"
    counts = TfidfVectorizer(min_df=2, max_features=2000).fit_transform(texts)
    directions = min(_DIRECTIONS, counts.shape[1] - 1)
    if directions < 1:
        return "no word that is there twice"
    found = TruncatedSVD(directions, random_state=0).fit_transform(counts)
    return np.asarray(found / (found.std() or 1.0), np.float64)
