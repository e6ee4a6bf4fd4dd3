"""What `mlo reproduce` tells: how it goes, and what came of it."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import run_report, show

if TYPE_CHECKING:
    from mlops_cli.pipeline.plan import Plan
    from mlops_cli.pipeline.reproduction.reproduce import Reproduction
    from mlops_cli.pipeline.reproduction.sameness import Compared
    from mlops_cli.pipeline.watcher import Watcher

_MOST = 12
_IN_WORDS = ("unknown", "failure")
"""Kinds of causes that are told in words, as nothing was one thing then and is another here."""
_VERDICTS = {
    "identical": "reproduced: the same bytes",
    "equal": "reproduced: equal within tolerance",
    "differs": "not reproduced",
}


class Teller(run_report.Teller):
    """Tells on stderr how the steps go, each time anew."""

    def planned(self, count: int) -> None:
        """Note how many steps there are to be made again."""
        super().__init__()
        super().planned(count)

    def begins(self, plan: "Plan", reasons: Sequence[str]) -> None:
        """Tell which step runs now; why is known."""
        super().begins(plan, ["made again"])


def watching() -> "tuple[Watcher, Callable[[str], None]]":
    """Return who is told how it goes: people on a terminal, or nobody."""
    from mlops_cli.pipeline.watcher import Silent

    if sys.stderr.isatty():
        return Teller(), show.note
    return Silent(), lambda _: None


def tell(found: "Reproduction") -> None:
    """Print what came of it."""
    show.line(f"run {found.run} {_VERDICTS[found.verdict]}")
    show.line(f"  made again by run {' and '.join(found.again)}")
    show.line(f"  environment: {found.environment}")
    for text in found.notes:
        show.line(f"  note: {text}", rest="    ")
    _tell_compared(found)
    if found.verdict == "differs":
        _tell_causes(found)
    elif found.differences:
        show.line()
        show.line("the environment differs")
        _rows(
            ["what", "then", "here"], [(_called(x), x.recorded, x.here) for x in found.differences]
        )
    if found.kept is not None:
        show.line(f"the work tree is left in {found.kept}")
        show.line(f"  remove it: git worktree remove --force {found.kept}")
    if found.unsigned is not None:
        show.note(f"the statement is not signed: {found.unsigned}")


def _tell_compared(found: "Reproduction") -> None:
    parts = [
        f"{show.number(len(group), what)}"
        for group, what in ((found.outputs, "output"), (found.metrics, "metric"))
        if group
    ]
    other = [one for one in (*found.outputs, *found.metrics) if one.verdict != "identical"]
    if not other:
        show.line(f"  {' and '.join(parts)} compared")
        return
    same = len(found.outputs) + len(found.metrics) - len(other)
    show.line(f"  {' and '.join(parts)} compared, {same} identical")
    show.line()
    _rows(["what", "verdict", "then and here"], [_row(one) for one in other])


def _row(one: "Compared") -> tuple[str, str, str]:
    return one.name, one.verdict, one.why


def _tell_causes(found: "Reproduction") -> None:
    show.line()
    where = f"step '{found.first}'" if found.first else "the run"
    if not found.causes:
        show.line(f"{where} came out otherwise, and nothing is known to differ")
        return
    show.line(f"first to come out otherwise: {where}")
    proven = [one for one in found.causes if one.proven or one.kind in _IN_WORDS]
    for one in proven:
        what = one.name if one.kind in ("randomness", *_IN_WORDS) else f"{one.kind} {one.name}"
        change = f": {one.recorded} then, {one.here} here" if one.recorded or one.here else ""
        show.line(f"  because of {what}{change}", rest="    ")
        if one.why:
            show.line(f"    {one.why}", rest=" " * 4)
    rest = [one for one in found.causes if one not in proven]
    if rest:
        show.line("  what else differs" if proven else "  it may be because of")
        _rows(
            ["what", "then", "here"],
            [(_called(one), one.recorded, one.here or one.why) for one in rest],
            indent=4,
        )


def _called(one: object) -> str:
    kind, name = getattr(one, "kind", ""), getattr(one, "name", "")
    return name if kind == name else f"{kind} {name}"


def _rows(columns: Sequence[str], rows: Sequence[tuple[str, str, str]], *, indent: int = 2) -> None:
    show.table(columns, rows[:_MOST], indent=indent)
    if len(rows) > _MOST:
        show.line(f"{' ' * indent}and {len(rows) - _MOST} more: --json has them all")
