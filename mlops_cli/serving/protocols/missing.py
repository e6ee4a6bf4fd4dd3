"""NaN where clients mean that a value is missing: in tensors, and in what pandas writes."""

from typing import Any

from mlops_cli.registry.signature import Signature


def without_nan(columns: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """Return columns with null for NaN, wherever the model takes null."""
    nullable = {column.name for column in signature.columns if column.nullable}
    return {
        name: [None if value != value else value for value in values]
        if name in nullable and isinstance(values, list)
        else values
        for name, values in columns.items()
    }
