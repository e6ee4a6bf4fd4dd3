"""What `mlo runs list` prints."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show

if TYPE_CHECKING:
    from mlops_cli.core.config import Settings
    from mlops_cli.runs.listing import Line, Listing

_WIDTH = 80
_HEAD = ("run", "key", "began (UTC)", "status")
_KEY, _SHORT_KEY = 12, 8
"""Digits of a key that are shown, and how many are where it is tight."""
_COMMAND = 24
"""Columns that commands get at most in exchange for metrics."""
_LEAST = len("command")
"""Columns below which commands are left out."""
_NEWEST = 5
"""Runs whose metrics are more likely wanted than those of older ones."""
_PIPELINE = "mlo run"


def tell(
    found: "Listing", chosen: Sequence[str], named: Sequence[str], gated: Collection[str]
) -> None:
    """Print the runs with the metrics that fit; `chosen` ones instead, if there are.

    Those that were `named` in an order or a condition come first; one metric is always there.
    """
    told = [_tagged(*one) for one in zip(found.runs, _commands(found.runs), strict=True)]
    short = [_tagged(*one) for one in zip(found.runs, _told_apart(found.runs), strict=True)]
    wanted = [*named, *(name for name in chosen if name not in named)]
    ranked = [] if chosen else _ranked(found.runs, wanted, gated)
    always = wanted or ranked[:1]
    kept = min(max(map(len, short)), _COMMAND)
    used = sum(_metric_width(name, found.runs) for name in always)
    head, fixed = _fixed(found.runs, _KEY)
    if _width(head, fixed) + used + kept > _WIDTH:
        head, fixed = _fixed(found.runs, _SHORT_KEY)
    room = _WIDTH - _width(head, fixed) - used
    more = _fitting(found.runs, room - kept, [name for name in ranked if name not in always])
    room -= sum(_metric_width(name, found.runs) for name in more)
    names = [*always, *more] if wanted else sorted([*always, *more])
    texts = told if max(map(len, told)) <= room else short
    rows = [
        (
            *row,
            *(shown(line.metrics.get(name)) for name in names),
            *_clipped(_best(line, names) + text, room),
        )
        for row, line, text in zip(fixed, found.runs, texts, strict=True)
    ]
    show.table([*head, *names, *_clipped("command", room)], rows)
    tell_rest(found)


def tell_unreadable(found: "Listing") -> None:
    """Say which records could not be read, if there are any."""
    if not found.unreadable:
        return
    reason = next(iter(found.unreadable.values()))
    count = len(found.unreadable)
    more = f", and {show.number(count - 1, 'more record')}" if count > 1 else ""
    show.note(f"mlo: left out, as it cannot be read{more}: {reason}", rest="     ")


def tell_none(*, any_here: bool, remotes: bool) -> None:
    """Say why there is nothing to list: no run fits, or there is none here."""
    if any_here:
        show.note("no run matches; see all: mlo runs list")
    else:
        show.note("no runs yet; try: mlo run" + (", or mlo fetch" if remotes else ""))


def _fixed(lines: "Sequence[Line]", digits: int) -> tuple[list[str], list[list[str]]]:
    """Return the columns that every list of runs has, and the names above them."""
    rows = [
        [name_of(one), one.key[:digits], one.started[5:16].replace("T", " "), one.status]
        for one in lines
    ]
    again = [_again(line) for line in lines]
    if not any(again):
        return [*_HEAD], rows
    return [*_HEAD, "again"], [[*row, one] for row, one in zip(rows, again, strict=True)]


def _width(head: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return sum(max(len(row[at]) for row in [*rows, head]) + 2 for at in range(len(head)))


def _clipped(text: str, room: int) -> tuple[str, ...]:
    """Return a text as the last cell of a row, cut; no cell where there is hardly room."""
    return (clip(text, room),) if room >= _LEAST else ()


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
    from mlops_cli.core.config_gates import MetricGate

    stages = [stage for model in settings.models.values() for stage in model.stages.values()]
    gates = [gate for stage in stages for gate in stage.gates]
    return {gate.metric for gate in gates if isinstance(gate, MetricGate)}


def name_of(line: "Line") -> str:
    """Return a run's name, set in below its parent's, with the number of its children."""
    return "  " * line.depth + line.name + (f" (+{line.children})" if line.children else "")


def _best(line: "Line", names: Sequence[str]) -> str:
    """Return what a sweep came to at best, where no column has it."""
    if "sweep" not in line.tags or any(name in line.metrics for name in names):
        return ""
    return "".join(f"{name}={shown(value)} " for name, value in line.metrics.items())


def _tagged(line: "Line", text: str) -> str:
    return f"[{tags(line.tags)}] {text}".rstrip() if line.tags else text


def tags(held: Mapping[str, str]) -> str:
    """Return tags as they are typed."""
    return " ".join(f"{name}={value}" if value else name for name, value in held.items())


def _again(line: "Line") -> str:
    return "" if line.reproduced is None else "same" if line.reproduced else "differs"


def _commands(lines: "Sequence[Line]") -> list[str]:
    """Return what to tell of the runs' commands.

    Where all are runs of the pipeline, that is their steps and the parameters that differ.
    """
    if not all(f"{line.command} ".startswith(f"{_PIPELINE} ") for line in lines):
        return [line.command for line in lines]
    names = sorted({name for line in lines for name in line.params})
    differing = [
        name
        for name in names
        if any(_given(line, name) != _given(lines[0], name) for line in lines)
    ]
    starts = [line.command.partition(" --set ")[0] for line in lines]
    return [
        " ".join([start, *filter(None, (_given(line, name) for name in differing))])
        for start, line in zip(starts, lines, strict=True)
    ]


def _told_apart(lines: "Sequence[Line]") -> list[str]:
    """Return the same without the words that they all begin with, as far as others follow."""
    told = _commands(lines)
    if not all(f"{text} ".startswith(f"{_PIPELINE} ") for text in told):
        return told
    return [text.removeprefix(f"{_PIPELINE} ") for text in told]


def _given(line: "Line", name: str) -> str:
    return f"{name}={shown(line.params[name])}" if name in line.params else ""


def _ranked(lines: "Sequence[Line]", wanted: Sequence[str], gated: Collection[str]) -> list[str]:
    """Return the metrics that are not `wanted` anyway, the likeliest to be looked for first.

    That is gated ones, then those of the newest runs that were done, then those of most such runs.
    """
    done = [line for line in lines if line.status == "done"]
    done.sort(key=lambda line: line.started, reverse=True)
    newest = Counter(name for line in done[:_NEWEST] for name in line.metrics)
    counts = Counter(name for line in done for name in line.metrics)
    return sorted(
        {name for line in lines for name in line.metrics} - set(wanted),
        key=lambda name: (name not in gated, -newest[name], -counts[name], len(name), name),
    )


def _fitting(lines: "Sequence[Line]", room: int, names: Sequence[str]) -> list[str]:
    """Return as many of the metrics as there is room for."""
    chosen = []
    for name in names:
        width = _metric_width(name, lines)
        if width <= room:
            chosen.append(name)
            room -= width
    return chosen


def _metric_width(name: str, lines: "Sequence[Line]") -> int:
    widths = [len(shown(line.metrics.get(name))) for line in lines if name in line.metrics]
    return max(len(name), *widths, 0) + 2


def _cell(value: Any) -> str:
    from mlops_cli.core.conditions import MISSING

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
