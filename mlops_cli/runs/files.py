"""Figures, texts and tables that code writes into the record of its run, not into the work tree."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlops_cli.errors import RequestError
from mlops_cli.runs.sink import kind


def write_figure(figure: Any, path: Path) -> None:
    """Write a figure of matplotlib or plotly, or an image of Pillow, in the form its name says.

    Raises:
        RequestError: it is none of these, or its library cannot write that form.
    """
    try:
        if hasattr(figure, "savefig"):
            figure.savefig(path)
        elif hasattr(figure, "write_html") and path.suffix in (".html", ".htm"):
            figure.write_html(path, include_plotlyjs="cdn" if path.suffix == ".htm" else True)
        elif hasattr(figure, "write_image") and path.suffix != ".json":
            figure.write_image(path)
        elif hasattr(figure, "write_json"):
            figure.write_json(path)
        elif hasattr(figure, "figure") and hasattr(figure.figure, "savefig"):
            figure.figure.savefig(path)  # axes; what seaborn and scikit-learn give
        elif hasattr(figure, "figure_"):
            figure.figure_.savefig(path)
        elif hasattr(figure, "save"):
            figure.save(path)
        else:
            raise RequestError(
                f"{kind(figure)} is no figure",
                hint="give one of matplotlib or plotly, or an image of Pillow",
            )
    except (ValueError, ImportError, KeyError) as error:
        raise RequestError(f"the figure '{path.name}' cannot be written: {error}") from error


def default_suffix(figure: Any) -> str:
    """Return the form for a figure whose name does not say one."""
    return ".html" if hasattr(figure, "write_html") else ".png"


def dict_text(value: Any, name: str) -> str:
    """Return nested values as JSON, or as YAML where the name says so.

    Raises:
        RequestError: something in it has no such form.
    """
    try:
        if name.endswith((".yaml", ".yml")):
            import yaml

            return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        return json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n"
    except (TypeError, ValueError) as error:
        raise RequestError(f"'{name}' cannot be written: {error}") from error
    except Exception as error:
        if type(error).__module__.startswith("yaml"):
            raise RequestError(f"'{name}' cannot be written: {error}") from error
        raise


def _plain(value: Any) -> Any:
    """Return what stands for a value that JSON does not know: numbers and arrays of numpy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"'{value!r:.60}' is neither text, number, list nor mapping")


def write_table(table: Any, path: Path) -> None:
    """Write a data frame, columns by name, or rows as mappings: as CSV, JSON or Parquet by name.

    Raises:
        RequestError: it is no table.
    """
    import pandas as pd

    try:
        frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(_rows(table))
        if path.suffix == ".parquet":
            frame.to_parquet(path, index=False)
        elif path.suffix == ".json":
            frame.to_json(path, orient="records", indent=2)
        else:
            frame.to_csv(path, index=False)
    except (TypeError, ValueError, ImportError) as error:
        raise RequestError(f"the table '{path.name}' cannot be written: {error}") from error


def _rows(table: Any) -> Any:
    if isinstance(table, Mapping):
        return dict(table)
    if isinstance(table, Iterable) and not isinstance(table, str | bytes):
        return list(table)
    raise TypeError(f"{kind(table)} is no table")
