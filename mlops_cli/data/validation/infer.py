"""A schema that a table passes, as a start to edit."""

import math
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_cli.core.records import dataclass
from mlops_cli.data.validation import moments
from mlops_cli.data.validation.cells import Cells, cells, plain
from mlops_cli.data.validation.scan import named
from mlops_cli.data.validation.schema import ColumnRule, RowCount, Schema, Type
from mlops_cli.data.validation.unique import Repeats

if TYPE_CHECKING:
    from pandas import DataFrame, Series

CATEGORIES = 20
"""So many different texts may be all that there are,"""
EACH = 5
"""if there are at least so many rows for each of them."""
KEY_ROWS = 20
"""With fewer rows nothing is taken to be unique."""
_READ: tuple[Type, ...] = ("boolean", "integer", "number", "datetime")
_FEW = 1000
"""So many cells tell nearly always whether the others are worth a look."""
_CODE = re.compile(r"[+-]?0\d")


@dataclass(frozen=True, slots=True)
class Inferred:
    """A schema, and by column and key what was seen that a line of it is from."""

    schema: Schema
    rows: int
    seen: Mapping[str, Mapping[str, str]]


def infer(table: "DataFrame | Iterable[DataFrame]", *, where: str = "schema") -> Schema:
    """Return a schema that a table, or its blocks of rows, passes."""
    blocks: Iterable[DataFrame] = [table] if hasattr(table, "columns") else table
    folder = Path(tempfile.gettempdir())
    return inferred(blocks, where=where, scratch=folder, written=False).schema


def inferred(
    blocks: "Iterable[DataFrame]", *, where: str, scratch: Path, written: bool
) -> Inferred:
    """Return a schema with what was seen.

    With `written` all cells are texts, as CSV has them, and may read as something else.
    """
    seen: dict[str, _Column] = {}
    rows = 0
    for frame in map(named, blocks):
        for name in frame.columns:
            if name not in seen:
                seen[name] = _Column(name, scratch, absent=rows, written=written)
        for name, column in seen.items():
            if name in frame.columns:
                column.add(frame[name])
            else:
                column.absent += len(frame)
        rows += len(frame)
    rules = tuple(column.rule(rows) for column in seen.values())
    counted = RowCount(min=rows // 2) if rows > 1 else RowCount()
    schema = Schema(where, rules, rows=counted, extra="error")
    return Inferred(schema, rows, {name: one.seen(rows) for name, one in seen.items()})


class _Column:
    """What a column was seen to be."""

    def __init__(self, name: str, scratch: Path, *, absent: int, written: bool) -> None:
        self._name = name
        self._written = written
        self._types: list[Type] = [*_READ, "text"]
        self.absent = absent
        """Rows of files without it."""
        self._missing = 0
        self._low, self._high = math.inf, -math.inf
        self._firsts: set[str] = set()
        self._words: set[str] | None = set()
        self._repeats: Repeats | None = Repeats((name,), scratch)
        self._finite = True

    def add(self, raw: "Series[Any]") -> None:
        """Take in a block of cells."""
        raw = plain(raw)
        present = raw.dropna()
        self._missing += len(raw) - len(present)
        if not len(present):
            return
        self._narrow(present)
        kind = self._type
        read = cells(present, kind)
        if kind in ("integer", "number", "datetime"):
            self._widen(read)
        elif kind == "text" and self._words is not None:
            self._words.update(map(str, present.unique()[: CATEGORIES + 1]))
            if len(self._words) > CATEGORIES:
                self._words = None
        if self._repeats is not None:
            self._look_for_repeats(raw, kind)

    @property
    def _type(self) -> Type:
        return self._types[0] if self._types else "any"

    def _narrow(self, present: "Series[Any]") -> None:
        """Leave out the types that a cell is not of."""
        kept: list[Type] = []
        types = self._types
        if self._written and isinstance(present.iloc[0], str):
            types = _not_ruled_out(types, present)
        for one in types:
            if (one == "number" and "integer" in kept) or self._may_be(present, one):
                kept.append(one)
        if kept != self._types and "number" in self._types and "number" not in kept:
            self._low, self._high = math.inf, -math.inf
        self._types = kept

    def _may_be(self, present: "Series[Any]", kind: Type) -> bool:
        import pandas as pd

        textual = isinstance(present.dtype, pd.StringDtype)
        if kind == "text":
            return textual or bool(cells(present, "text").fits.all())
        if textual and not self._written and kind != "datetime":
            return False  # what says that it is text is no number
        if len(present) > _FEW and not cells(present.head(_FEW), kind).fits.all():
            return False
        return bool(cells(present, kind).fits.all())

    def _widen(self, read: Cells) -> None:
        import numpy as np

        values = np.asarray(read.values, dtype=np.float64)
        finite = values[np.isfinite(values)]
        self._finite = self._finite and len(finite) == len(values)
        if len(finite):
            self._low = min(self._low, float(finite.min()))
            self._high = max(self._high, float(finite.max()))

    def _look_for_repeats(self, raw: "Series[Any]", kind: Type) -> None:
        if kind not in ("integer", "text") or self._missing or not raw.is_unique:
            self._repeats = None
        else:
            assert self._repeats is not None
            self._repeats.add({self._name: cells(raw, "any")})

    def rule(self, rows: int) -> ColumnRule:
        """Return what the column is to be like."""
        kind: Type = self._type if self._missing + self.absent < rows else "any"
        unique = self._is_unique(rows)
        low, high = (None, None) if unique else self._bounds(kind)
        share = self._missing / rows if rows else 0.0
        return ColumnRule(
            self._name,
            type=kind,
            required=not self.absent,
            missing=1.0 if kind == "any" else min(math.ceil(200 * share) / 100, 1.0),
            unique=unique,
            min=low,
            max=high,
            values=self._categories(rows) if kind == "text" else None,
        )

    def _is_unique(self, rows: int) -> bool:
        if self._repeats is None or rows < KEY_ROWS or self._missing or self.absent:
            return False
        self._repeats.settle()
        return self._repeats.failing == 0

    def _categories(self, rows: int) -> tuple[str, ...] | None:
        words = self._words
        if not words or rows < EACH * len(words):
            return None
        return tuple(sorted(words))

    def _bounds(self, kind: Type) -> tuple[float | None, float | None]:
        """Return bounds a whole range beyond what was seen, so that only what is odd fails."""
        if kind not in ("integer", "number") or self._low > self._high or not self._finite:
            return None, None
        width = self._high - self._low
        if self._low >= 0 and self._high <= 1:
            return 0.0, 1.0
        low = 0.0 if self._low >= 0 else _rounded(self._low - width, math.floor)
        if self._high <= 0:
            return low, 0.0
        return low, _rounded(self._high + width, math.ceil)

    def seen(self, rows: int) -> Mapping[str, str]:
        """Return what was seen, in words, by the key of the schema that it explains."""
        found: dict[str, str] = {}
        if self._low <= self._high:
            write = moments.text if self._type == "datetime" else "{:.6g}".format
            found["type"] = f"seen: {write(self._low)} to {write(self._high)}"
        if self._missing:
            share = 100 * self._missing / rows
            found["missing"] = f"seen: {self._missing:,} missing ({share:.3g} %)"
        if self.absent:
            found["required"] = "not in every file"
        return found


def _not_ruled_out(types: list[Type], texts: "Series[Any]") -> list[Type]:
    """Return the types that texts may be of, without those that a look at a few rules out."""
    out: set[Type] = set()
    if texts.iloc[0].lower() not in ("true", "false"):
        out.add("boolean")
    if not out.issuperset({"integer", "number"}.intersection(types)) and _has_codes(texts):
        out |= {"integer", "number"}
    return [one for one in types if one not in out]


def _has_codes(texts: "Series[Any]") -> bool:
    """Return whether a text is like 007: digits that a number would lose some of."""
    return any(_CODE.match(start) for start in texts.str.slice(0, 3).unique())


def _rounded(value: float, towards: Any) -> float:
    """Return a number with two digits that count.

    >>> _rounded(163.2, math.ceil), _rounded(-0.0777, math.floor)
    (170.0, -0.078)
    """
    if not value or not math.isfinite(value):
        return value
    digits = 1 - math.floor(math.log10(abs(value)))
    return float(round(towards(value * 10.0**digits) / 10.0**digits, max(digits, 0)))
