"""What `mlo runs compare` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_cli.cli import show
from mlops_cli.cli.runs_list import clip, shown

if TYPE_CHECKING:
    from mlops_cli.runs.compare import Comparison, Row, Section

_WIDTH = 80
_MAX_NAME = 28
_DIFFERENCE = 14


def tell(found: "Comparison") -> None:
    """Print how runs differ, or the patches of their code alone if these were asked for."""
    if found.patches:
        _tell_patches(found)
        return
    if not found.sections:
        show.line(f"{' and '.join(found.names)} do not differ")
        return
    if "metrics" in found.same:
        show.line("metrics: no difference")
    for section in found.sections:
        show.line(section.title)
        _tell_section(section, found.names)


def _tell_patches(found: "Comparison") -> None:
    for name, patch in zip(found.names[1:], found.patches, strict=True):
        if patch is None:
            show.note(f"the code of {found.names[0]} or {name} is not all known")
        elif not patch:
            show.note(f"{found.names[0]} and {name} have the same code")
        else:
            if len(found.patches) > 1:
                show.line(f"# {found.names[0]} -> {name}")
            show.line(patch.rstrip("\n"))


def _tell_section(section: "Section", names: Sequence[str]) -> None:
    with_difference = section.title == "metrics"
    title = "difference" if len(names) == 2 else "last - first"
    columns = ["name", *names, *([title] if with_difference else [])]
    left = min(max(len(row.name) for row in section.rows), _MAX_NAME)
    room = (_WIDTH - 2 - left - (_DIFFERENCE if with_difference else 0)) // len(names) - 2
    rows = []
    for row in section.rows:
        values = _cut(_values(row), max(room, 8))
        difference = [_signed(row.difference)] if with_difference else []
        rows.append((clip(row.name, left), *values, *difference))
    show.table(columns, rows, indent=2)


def _values(row: "Row") -> list[str]:
    """Return the values of a row; packages of one version that differ show the hash as well."""
    texts = [shown(value) for value in row.values]
    if len(set(texts)) == 1:
        return [_whole(value) for value in row.values]
    return texts


def _cut(texts: Sequence[str], width: int) -> list[str]:
    """Return the texts in a width: without the words that all begin with, if they differ beyond."""
    cut = [clip(text, width) for text in texts]
    if len(set(cut)) == len(set(texts)):
        return cut
    rows = [text.split(" ") for text in texts]
    same = 0
    for words in zip(*rows, strict=False):
        if len(set(words)) > 1:
            break
        same += 1
    return [clip(" ".join(["…", *row[same:]]), width) for row in rows] if same else cut


def _whole(value: Any) -> str:
    known = getattr(value, "hash", None)
    return f"{value} {known[:8]}" if known else shown(value)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.6g}"
