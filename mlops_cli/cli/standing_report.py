"""The report of `mlo status`, apart from its command: without Typer it is instant."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.standing import look

if TYPE_CHECKING:
    from mlops_cli.cli.standing import Standing
    from mlops_cli.data.status import Changed
    from mlops_cli.pipeline.stale import StepState
    from mlops_cli.registry.behind import Behind
    from mlops_cli.remotes.unpushed import Unpushed

_SHOWN = 3
_LISTED = 10


def report(*, as_json: bool, exit_code: bool) -> int:
    """Print how the project stands, and return the exit code."""
    standing = look(repository())
    show.emit(standing, as_json=as_json, text=_tell)
    return 1 if exit_code and standing.dirty else 0


def _tell(standing: "Standing") -> None:
    sections = [
        (
            "conflicts that a git merge left: mlo merge",
            [line for open_ in standing.conflicts.values() for line in _lines(open_)],
        ),
        ("data that is not as its pointer says", [_data(one) for one in standing.data]),
        ("versions that DVC kept and mlo does not have: mlo import-dvc", list(standing.lost)),
        (_to_do(standing.stale), [f"{s.name}: {_few(s.reasons, '; ')}" for s in standing.stale]),
        ("models with a newer version than their stages", [_model(m) for m in standing.models]),
        (
            "not on a remote yet: mlo push",
            _unpushed(standing.unpushed),
        ),
        ("runs that were killed: mlo runs list", list(standing.killed)),
    ]
    said = [(title, lines) for title, lines in sections if lines]
    for title, lines in said:
        show.line(title)
        for text in lines:
            show.line(f"  {text}", rest=" " * 4)
    if not said and not standing.versioned and not standing.steps:
        show.line("nothing is versioned yet, and there is no step")
        show.note("next: mlo add PATH, or mlo run -- COMMAND")
    elif not said:
        show.line(f"all is as it should be: {show.number(standing.versioned, 'versioned path')}")


def _data(change: "Changed") -> str:
    where = "" if change.stored else ", and its version is not in this store: mlo pull"
    if change.problem:
        return f"changed  {change.path}: {change.problem}"
    if change.state == "missing":
        how = where or f": mlo checkout {change.path}"
        return f"missing  {change.path}{how}"
    if change.added is None or change.kind == "file":
        return f"changed  {change.path}{where}"
    counts = [
        f"{count:,} {word}"
        for count, word in (
            (change.added, "new"),
            (change.modified, "changed"),
            (change.removed, "missing"),
        )
        if count
    ]
    return f"changed  {change.path}: {', '.join(counts) or 'empty folders'}{where}"


def _unpushed(found: "tuple[Unpushed, ...]") -> list[str]:
    """Return a line for all remotes that lack the same."""
    names: dict[tuple[int, int], list[str]] = {}
    for one in found:
        names.setdefault((one.objects, one.bytes), []).append(one.remote)
    return [
        f"{' and '.join(same)} lack{'s' if len(same) == 1 else ''} "
        f"{show.number(objects, 'object')}, {show.size(size)}"
        for (objects, size), same in names.items()
    ]


def _lines(paths: tuple[str, ...]) -> list[str]:
    more = len(paths) - _LISTED
    return [*paths[:_LISTED], *([f"and {more:,} more"] if more > 0 else [])]


def _to_do(stale: "Sequence[StepState]") -> str:
    """Return what to do about stale steps: as after a `git switch`, their outputs may be all."""
    reasons = [reason for one in stale for reason in one.reasons]
    if all(one.startswith("its output ") or one.endswith("which is stale") for one in reasons):
        return "outputs that are not as mlo.lock says: mlo checkout"
    return "steps to run: mlo run"


def _few(words: tuple[str, ...], between: str) -> str:
    more = len(words) - _SHOWN
    return between.join(words[:_SHOWN]) + (f"{between}and {more:,} more" if more > 0 else "")


def _model(behind: "Behind") -> str:
    stages = ", ".join(f"{stage} v{number}" for stage, number in sorted(behind.stages.items()))
    return f"{behind.model}: v{behind.newest} is in no stage ({stages or 'no stage is set'})"
