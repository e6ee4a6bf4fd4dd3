"""What `mlo models compare` prints."""

from typing import TYPE_CHECKING, Any

from mlops_cli.cli import runs_compare, show
from mlops_cli.cli.markdown import grid
from mlops_cli.cli.runs_list import shown
from mlops_cli.page.markdown import code, escaped

if TYPE_CHECKING:
    from mlops_cli.runs.compare import Comparison, Row


def tell(found: "Comparison") -> None:
    """Print how versions differ, for a terminal."""
    runs_compare.tell(found)


def tell_markdown(found: "Comparison") -> None:
    """Print how versions differ, for a comment on a pull request."""
    show.line(f"### {' and '.join(escaped(name) for name in found.names)}")
    if not found.sections:
        show.line()
        show.line("No difference.")
    for section in found.sections:
        show.line()
        show.line(f"**{section.title}**")
        show.line()
        apart = any(row.difference is not None for row in section.rows)
        columns = ["", *map(escaped, found.names), *(["difference"] if apart else [])]
        grid(columns, [_cells(row, apart=apart) for row in section.rows])


def _cells(row: "Row", *, apart: bool) -> list[str]:
    difference = "" if row.difference is None else f"{row.difference:+.6g}"
    return [code(row.name), *map(_value, row.values), *([difference] if apart else [])]


def _value(value: Any) -> str:
    return escaped(shown(value))
