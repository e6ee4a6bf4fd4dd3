"""What the code of a run says of it as it goes on: tags, a note, seeds of random generators."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlops_cli.core.records import dataclass, field
from mlops_cli.runs import secrets


@dataclass(slots=True)
class Marks:
    """All that was said; of a note the last."""

    tags: list[str] = field(default_factory=list)
    note: str | None = None
    seeds: dict[str, int | str] = field(default_factory=dict)


def read(lines: Iterable[Mapping[str, Any]]) -> Marks:
    """Return what a journal of marks says, with secrets masked."""
    found = Marks()
    for line in lines:
        tags, seeds = line.get("tags"), line.get("seeds")
        if isinstance(tags, list):
            found.tags += [secrets.masked_text(str(tag)) for tag in tags]
        if isinstance(line.get("note"), str):
            found.note = secrets.masked_text(line["note"])
        if isinstance(seeds, dict):
            found.seeds.update({str(name): seed for name, seed in seeds.items()})
    return found
