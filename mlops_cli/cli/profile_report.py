"""What `mlo profile` prints for people."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.runs_list import clip
from mlops_cli.cli.spark import sparkline
from mlops_cli.core.ids import short
from mlops_cli.monitor.report import profile as page
from mlops_cli.monitor.report import words

if TYPE_CHECKING:
    from mlops_cli.monitor.profiling.column import ColumnProfile
    from mlops_cli.monitor.profiling.look import Looked

_NAME = 22
_RANGE = 28
_ODDITIES = 20


def tell(found: "Looked") -> None:
    """Print it."""
    told = ", ".join(
        f"{value} {name.removesuffix('s') if value == '1' else name}"
        for name, value in page.facts(found.profile)
    )
    show.line(f"{_named(found)}, {show.size(found.size)}: {told}", rest="  ")
    if found.profile.columns:
        show.line()
        names = ["column", "kind", "missing", "distinct", "spread", "values"]
        rows = [_row(one) for one in found.profile.columns]
        show.table(names, rows, whole=len(names) - 1)
    odd = list(page.oddities(found.profile))
    if odd:
        show.line()
    for of, one in odd[:_ODDITIES]:
        name = of if of.endswith(":") else f"{clip(of, _NAME)}:"
        show.line(f"{show.style(name, 'yellow')} {one}", rest="  ")
    if len(odd) > _ODDITIES:
        show.line(f"and {len(odd) - _ODDITIES} more: --json has all")
    for pair in found.profile.pairs[:5]:
        show.line(
            f"{clip(pair.first, _NAME)} and {clip(pair.second, _NAME)} go together:"
            f" {pair.correlation:+.2f}",
            rest="  ",
        )


def write(found: "Looked", path: Path, *, when: datetime) -> None:
    """Write the page."""
    from mlops_cli.core.files import write_whole

    source = f"{_named(found)}, {show.size(found.size)}"
    data = page.page(found.profile, title=found.path, source=source, when=when).encode()
    write_whole(path, data)
    show.note(f"wrote {path}, {show.size(len(data))}")


def _named(found: "Looked") -> str:
    if found.oid is None:
        return found.path
    return f"{found.path}@{found.rev or short(found.oid)}"


def _distinct(one: "ColumnProfile") -> str:
    """Return how many values differ, `~` before an estimate; right-aligned."""
    return f"{'~' if one.error else ''}{one.distinct:,}".rjust(len("distinct"))


def _row(one: "ColumnProfile") -> list[object]:
    heights = page.heights(one)
    top = max(heights, default=0.0)
    missing = one.missing / one.rows if one.rows else 0.0
    return [
        clip(one.name, _NAME),
        words.KINDS[one.kind],
        words.percent(missing) if missing else "",
        _distinct(one),
        sparkline(heights[:12], top) if heights else "",
        clip(page.told(one), _RANGE),
    ]
