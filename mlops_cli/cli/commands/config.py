"""`mlo config`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.core.origins import Setting


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
    show.table(["setting", "from", "value"], [[s.key, s.origin, _text(s.value)] for s in found])


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(show.plain(value), ensure_ascii=False)
