"""Which formats of model files there are."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlops_cli.errors import RequestError
from mlops_cli.registry.description import FORMATS, Format
from mlops_cli.registry.model_files.kind import Kind

_HEAD_BYTES = 4096
_BY_LIBRARY: dict[str, Format] = {"xgboost": "xgboost", "lightgbm": "lightgbm", "onnx": "onnx"}


def kind(name: Format) -> Kind:
    """Return what a format can do."""
    module = importlib.import_module(f"mlops_cli.registry.model_files.{name}_file")
    found: Kind = module.KIND
    return found


def kinds() -> Iterator[tuple[Format, Kind]]:
    """Yield all formats by name."""
    for name in FORMATS:
        yield name, kind(name)


def suffixes() -> list[str]:
    """Return how model files end."""
    return [suffix for _, one in kinds() for suffix in one.suffixes]


def usual(model: Any) -> Format:
    """Return the format to save `model` in when none is asked for."""
    return _BY_LIBRARY.get(type(model).__module__.partition(".")[0], "skops")


def of_file(path: Path) -> Format | None:
    """Return the format of a model file, None if it is none."""
    suffix = path.suffix.lower()
    for name, one in kinds():
        if suffix in one.suffixes:
            with path.open("rb") as file:
                begins = one.begins is None or one.begins(file.read(_HEAD_BYTES))
            return name if begins else None
    return None


def required(path: Path) -> Format:
    """Return the format of a model file.

    Raises:
        RequestError: it is none.
    """
    found = of_file(path)
    if found is None:
        known = suffixes()
        why = (
            f"its name ends in none of {', '.join(known)}"
            if path.suffix.lower() not in known
            else "it does not begin like one"
        )
        raise RequestError(
            f"'{path.name}' is not a model file: {why}",
            hint="save it with mlo.log_model(model, PATH) or skops.io.dump(model, 'model.skops')",
        )
    return found
