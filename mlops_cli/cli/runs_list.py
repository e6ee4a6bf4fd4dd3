"""What `mlo runs list` prints."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show

if TYPE_CHECKING:
    from mlops_cli.core.config import Settings
    from mlops_cli.runs.listing import Line, Listing

_WIDTH = 80
_HEAD = ("run", "key", "began (UTC)", "status")
_COMMAND = 16
"""Columns that a command gets at least, before metrics are shown."""
_PARAMETERS = 32
"""Columns that parameters which differ get at most in exchange for metrics."""
_PIPELINE = "mlo run"


def tell(
    found: "Listing", chosen: Sequence[str], sorted_by: Sequence[str], gated: Collection[str]
) -> None:
    """Print the runs with the metrics that fit; `chosen` ones instead, if there are."""
    if not found.runs:
        show.note("no runs yet; try: mlo run")
        return
    title, told = _commands(found.runs)
    head = [*_HEAD]
    fixed = [
        [name_of(line), line.key, line.started[5:16].replace("T", " "), line.status]
        for line in found.runs
    ]
    again = [_again(line) for line in found.runs]
    if any(again):
        head.append("again")
        fixed = [[*row, one] for row, one in zip(fixed, again, strict=True)]
    told = [_tagged(line, text) for line, text in zip(found.runs, told, strict=True)]
    width = sum(max(len(row[at]) for row in [*fixed, head]) + 2 for at in range(len(head)))
    wanted = [*sorted_by, *(name for name in chosen if name not in sorted_by)]
    kept = _COMMAND if title == "command" else min(max(map(len, told)), _PARAMETERS)
    names = wanted if chosen else _fitting(found.runs, _WIDTH - width - kept, wanted, gated)
    used = width + sum(_metric_width(name, found.runs) for name in names)
    room = max(_WIDTH - used, len(title))
    rows = [
        (*row, *(shown(line.metrics.get(name)) for name in names), clip(text, room))
        for row, line, text in zip(fixed, found.runs, told, strict=True)
    ]
    show.table([*head, *names, title], rows)
    tell_rest(found)


def tell_columns(found: "Listing", columns: Sequence[str]) -> None:
    """Print the columns that were asked for."""
    from mlops_cli.runs.listing import looked_up

    rows = []
    for line in found.runs:
        look_up = looked_up(line)
        cells = [tags(line.tags) if name == "tags" else _cell(look_up(name)) for name in columns]
        rows.append(("  " * line.depth + cells[0], *cells[1:]))
    show.table(list(columns), rows)
    tell_rest(found)


def tell_rest(found: "Listing") -> None:
    """Say on stderr how many runs fit that are not shown."""
    more = found.total - sum(1 for line in found.runs if not line.depth)
    if more > 0:
        show.note(f"{more} more: mlo runs list --all")


def gated(settings: "Settings") -> set[str]:
    """Return the metrics that decide whether a model may be promoted."""
    stages = [stage for model in settings.models.values() for stage in model.stages.values()]
    return {gate.metric for stage in stages for gate in stage.gates}


def name_of(line: "Line") -> str:
    """Return a run's name, set in below its parent's, with the number of its children."""
    return "  " * line.depth + line.name + (f" (+{line.children})" if line.children else "")


def _tagged(line: "Line", text: str) -> str:
    return f"[{tags(line.tags)}] {text}".rstrip() if line.tags else text


def tags(held: Mapping[str, str]) -> str:
    """Return tags as they are typed."""
    return " ".join(f"{name}={value}" if value else name for name, value in held.items())


def _again(line: "Line") -> str:
    return "" if line.reproduced is None else "same" if line.reproduced else "differs"


def _commands(lines: "Sequence[Line]") -> tuple[str, list[str]]:
    """Return what to tell of the runs' commands, and its title.

    Where all are runs of the pipeline, that is their steps and the parameters that differ.
    """
    if not all(f"{line.command} ".startswith(f"{_PIPELINE} ") for line in lines):
        return "command", [line.command for line in lines]
    names = sorted({name for line in lines for name in line.params})
    differing = [
        name
        for name in names
        if any(_given(line, name) != _given(lines[0], name) for line in lines)
    ]
    told = []
    for line in lines:
        steps = line.command.partition(" --set ")[0].removeprefix(_PIPELINE).split()
        told.append(" ".join([*steps, *(_given(line, name) for name in differing)]).strip())
    return (_PIPELINE, told) if any(told) else ("command", [line.command for line in lines])


def _given(line: "Line", name: str) -> str:
    return f"{name}={shown(line.params[name])}" if name in line.params else ""


def _fitting(
    lines: "Sequence[Line]", room: int, wanted: Sequence[str], gated: Collection[str]
) -> list[str]:
    """Return the metrics `wanted`, then as many as there is room for: gated ones, then those that
    most runs have.
    """
    counts: dict[str, int] = {}
    for line in lines:
        for name in line.metrics:
            counts[name] = counts.get(name, 0) + 1
    room -= sum(_metric_width(name, lines) for name in wanted)
    chosen = []
    rest = counts.keys() - set(wanted)
    for name in sorted(rest, key=lambda name: (name not in gated, -counts[name], len(name), name)):
        width = _metric_width(name, lines)
        if width <= room:
            chosen.append(name)
            room -= width
    return [*wanted, *sorted(chosen)]


def _metric_width(name: str, lines: "Sequence[Line]") -> int:
    widths = [len(shown(line.metrics.get(name))) for line in lines if name in line.metrics]
    return max(len(name), *widths, 0) + 2


def _cell(value: Any) -> str:
    from mlops_cli.core.expression import MISSING

    return "" if value is None or value is MISSING else shown(value)


def shown(value: Any) -> str:
    """Return a value for people; `-` where there is none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def clip(text: str, width: int) -> str:
    """Return the text, cut to a width."""
    text = text.replace("\n", " ")
    return text if len(text) <= width else text[: width - 1] + "…"
