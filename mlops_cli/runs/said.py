"""What is said of a run after it ended: tags, a note, that it was taken off the list.

A record never changes, so this is kept as audit entries, which travel with push and fetch. Of what
was said about one thing the latest entry counts, wherever it was made.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mlops_cli.audit import chain
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs import secrets
from mlops_cli.runs.names import check_tag
from mlops_cli.runs.record import Run

TAG, NOTE, REMOVAL, REPRODUCTION = "runs tag", "runs note", "runs rm", "reproduce"
STARTS = tuple(f'{{"action":"{action}"'.encode() for action in (TAG, NOTE, REMOVAL, REPRODUCTION))
"""How the canonical bytes of these entries begin."""
MAX_NOTE = 10_000
_AT_ONCE = 500


class Said(NamedTuple):
    """One thing said of the run with this key; `name` is the tag's, else empty.

    `value` is the tag's, the note, or whether it was removed or reproduced; None takes a tag or a
    note away.
    """

    key: str
    what: str
    name: str
    value: Any
    time: str


def read(entry: Mapping[str, Any]) -> Iterator[Said]:
    """Yield what an audit entry of one of these actions says."""
    detail, what, time = entry["detail"], str(entry["action"]), str(entry["time"])
    keys = detail.get("keys") or [entry["subject"]]
    for key in map(str, keys):
        if what == TAG:
            for name, value in detail["tags"].items():
                yield Said(key, what, str(name), None if value is None else str(value), time)
        elif what == NOTE:
            note = detail["note"]
            yield Said(key, what, "", None if note is None else str(note), time)
        elif what == REMOVAL:
            yield Said(key, what, "", bool(detail.get("removed", True)), time)
        elif "reproduced" in detail:
            yield Said(key, what, "", bool(detail["reproduced"]), time)


def tag(repo: Repository, runs: Sequence[Run], changes: Mapping[str, str | None]) -> None:
    """Give runs tags, `name` or `name=value`; None takes one away.

    Raises:
        RequestError: one can be no tag.
    """
    for name, value in changes.items():
        check_tag(f"{name}={value}" if value else name)
    masked = {name: value and secrets.masked_text(value) for name, value in changes.items()}
    _record(repo, TAG, runs, {"tags": masked})


def note(repo: Repository, run: Run, text: str) -> None:
    """Write a note to a run, in the place of the one it has; an empty one takes it away.

    Raises:
        RequestError: it is too long.
    """
    if len(text) > MAX_NOTE:
        raise RequestError(f"the note has {len(text):,} letters, more than {MAX_NOTE:,}")
    _record(repo, NOTE, [run], {"note": secrets.masked_text(text.strip()) or None})


def remove(repo: Repository, runs: Sequence[Run], *, removed: bool) -> None:
    """Say that runs were taken off the list, or put back."""
    _record(repo, REMOVAL, runs, {"removed": removed})


def parsed(texts: Sequence[str]) -> dict[str, str]:
    """Return tags as they are typed, or recorded when a run began, by name.

    >>> parsed(["baseline", "team=fraud"])
    {'baseline': '', 'team': 'fraud'}
    """
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        found[name.strip()] = value.strip()
    return found


def _record(repo: Repository, action: str, runs: Sequence[Run], detail: Mapping[str, Any]) -> None:
    """Append an audit entry about the runs; several, where there are very many."""
    for start in range(0, len(runs), _AT_ONCE):
        some = runs[start : start + _AT_ONCE]
        if len(some) == 1:
            chain.record(repo, action, some[0].key, {"run": some[0].id, **detail})
        else:
            keys = [run.key for run in some]
            chain.record(repo, action, f"{len(some)} runs", {"keys": keys, **detail})
