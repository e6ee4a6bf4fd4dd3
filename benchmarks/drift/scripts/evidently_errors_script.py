"""Print in what share of tables Evidently's default finds a column that drifted.

Arguments: how many splits. Runs with Evidently's own Python.
"""

import json
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.simplefilter("ignore")

import cases  # noqa: E402
from evidently.legacy.calculations.stattests import get_stattest  # noqa: E402
from evidently.legacy.core import ColumnType  # noqa: E402
from pandas.api import types  # noqa: E402


def flags(reference: Any, current: Any) -> bool:
    """Return whether the default test of some column says drift, with the default threshold."""
    for name in reference.columns:
        one, other = reference[name].dropna(), current[name].dropna()
        number = types.is_numeric_dtype(one) and not types.is_bool_dtype(one)
        kind = ColumnType.Numerical if number else ColumnType.Categorical
        if not number:
            one, other = one.astype(str), other.astype(str)
        if get_stattest(one, other, kind, None)(one, other, kind, None).drifted:
            return True
    return False


def share(tables: Iterable[tuple[Any, Any]]) -> float:
    """Return in what share of pairs some column is flagged."""
    found = [flags(*each) for each in tables]
    return sum(found) / len(found)


splits = int(sys.argv[1])
told = {
    f"{kind} {rows}": share(cases.unchanged(kind, rows, splits))
    for kind in cases.KINDS
    for rows in cases.SIZES
}
told["halves"] = share(cases.halves(splits))
told |= {f"shift {n}": share(cases.shifted(n, 500, splits)) for n in (1, 9, 30)}
print(json.dumps(told))
