"""`mlo doctor`."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mlops_cli.cli import show
from mlops_cli.cli.main import advice
from mlops_cli.cli.options import JsonFlag

if TYPE_CHECKING:
    from mlops_cli.cli.health import Check

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(as_json: JsonFlag = False) -> None:
    """Check the installation and the repository.

    Looks at mlo's libraries, git, and, inside a repository, its settings, its store and its
    remotes. Nothing is changed. The exit code is 1 when something will not work.

    To prove every stored byte, use `mlo fsck`.
    """
    from mlops_cli.cli.health import examine

    found = examine(Path.cwd())
    show.emit(found, as_json=as_json, text=_text)
    if any(check.state == "fail" for check in found):
        raise typer.Exit(1)


def _text(found: "list[Check]") -> None:
    width = max(len(check.name) for check in found)
    for check in found:
        state = show.style(f"{check.state:<4}", _COLOURS[check.state])
        show.line(f"{state}  {check.name:<{width}}  {check.detail}")
        if check.hint:
            show.line(f"{'':<6}{'':<{width}}  {advice(check.hint)}")
