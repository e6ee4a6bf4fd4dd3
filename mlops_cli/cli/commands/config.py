"""`mlo config`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.origins import Setting

_VALUE_WIDTH = 24
"""Columns that values want on a terminal; with fewer, a table would cut keys or values up."""


def config(
    key: Annotated[
        str | None, typer.Argument(help="A setting, such as serving.port, or all below a part")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the settings and where each comes from.

    A setting is shown with the line of `.mlops.yaml` that makes it so, or as a default. To
    change one, edit `.mlops.yaml`; `mlo config` says at once whether it can be read.

    With KEY naming one setting, its value is all that is printed.
    """
    from mlops_cli.core import origins

    found = origins.settings(repository().layout.settings)
    chosen = found if key is None else origins.choose(found, key)
    if len(chosen) == 1 and chosen[0].key == key:
        show.emit(chosen[0], as_json=as_json, text=lambda one: show.line(_text(one.value)))
    else:
        show.emit(chosen, as_json=as_json, text=_list)


def _list(found: "list[Setting]") -> None:
    import sys

    from mlops_cli.cli.fold import columns

    taken = max((len(s.key) + len(s.origin) for s in found), default=0) + 4
    if sys.stdout.isatty() and columns(sys.stdout) - taken < _VALUE_WIDTH:
        for one in found:
            origin = show.style(f"({one.origin})", "dim")
            show.line(f"{one.key}: {_text(one.value)}  {origin}", rest="    ")
        return
    show.table(
        ["setting", "from", "value"], [[s.key, s.origin, _text(s.value)] for s in found], whole=2
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(show.plain(value), ensure_ascii=False)
