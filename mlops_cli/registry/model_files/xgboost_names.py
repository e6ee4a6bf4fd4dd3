"""The names of categories in XGBoost's files, in the order of their numbers.

XGBoost 3.2 counts names in letters where it should count bytes: of those that are not ASCII it
keeps a part, at the wrong places, and then mistakes one category for another. So rows are given to
it by number, and the names are made whole by the signature, which has all that were seen.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.signature import Column, Signature

Known = Mapping[int, tuple[Any, ...]]
"""By the place of the column among the model's."""


def categories(model: Mapping[str, Any], signature: Signature | None, *, where: str) -> Known:
    """Return the categories of each column that has any.

    Raises:
        RequestError: the names of a column cannot be told; `where` is the file.
    """
    learner = model["learner"]
    held = learner["gradient_booster"].get("model", {}).get("cats") or {}
    kinds = learner.get("feature_types") or []
    encoded = held.get("enc") or [{}] * len(kinds)
    columns = _columns(learner.get("feature_names") or (), signature)
    known: dict[int, tuple[Any, ...]] = {}
    for place, one in enumerate(encoded):
        column = columns.get(place)
        names = _of(one, column)
        if names is None and kinds[place : place + 1] == ["c"] and _is_named(column):
            raise RequestError(
                f"'{where}' does not say which categories of column {place + 1} have which number",
                hint="fit it with XGBoost 3.1 or newer, on a column without unused categories"
                " (.cat.remove_unused_categories()), and save it with mlo.log_model(model, PATH,"
                " TABLE)",
            )
        if names:
            known[place] = names
    return known


def _columns(names: Any, signature: Signature | None) -> dict[int, Column]:
    """Return the signature's columns by their place among the model's."""
    if signature is None:
        return {}
    by_name = {column.name: column for column in signature.columns}
    found = {place: by_name.get(str(name)) for place, name in enumerate(names)}
    return {place: column for place, column in found.items() if column is not None}


def _is_named(column: Column | None) -> bool:
    return column is None or column.kind in ("category", "text")


def _of(kept: Mapping[str, Any], column: Column | None) -> tuple[Any, ...] | None:
    """Return the categories of one column; none where it has none, None if they cannot be told."""
    if "type" in kept:
        return tuple(kept["values"])
    if not kept.get("offsets"):
        return None
    raw = bytes(value % 256 for value in kept["values"])
    bounds = list(pairwise(kept["offsets"]))
    seen = tuple(sorted(str(one) for one in (column and column.categories) or ()))
    if not raw.isascii():
        cut = [len(one) for one in seen] == [end - first for first, end in bounds]
        if seen and cut and "".join(seen).encode()[: len(raw)] == raw:
            return seen
    try:
        names = tuple(raw[first:end].decode() for first, end in bounds)
    except UnicodeDecodeError:
        return None
    return names if raw.isascii() or set(seen) == set(names) else None
