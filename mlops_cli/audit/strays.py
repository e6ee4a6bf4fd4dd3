"""Entries that are stored and that no chain leads to, because refs were lost or put back.

A process that is killed between storing what it did and moving the refs leaves one deed like that,
or some runs that were recorded together. That is a doubt. Two deeds, one after the other, no kill
leaves: the second began where the first had moved the refs to.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise, starmap
from typing import Any

from mlops_cli.audit.chain import PREFIX, Entry, parsed
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError

_TOGETHER = timedelta(milliseconds=50)
"""Runs that are recorded together have entries no further apart, each from the one before."""

Get = Callable[[ObjectId], bytes]


@dataclass(frozen=True, slots=True)
class Stray:
    """Entries that follow each other and that no chain leads to, oldest first."""

    entries: tuple[Entry, ...]

    @property
    def is_doubt(self) -> bool:
        """Whether one killed process may have left it."""
        if len(self.entries) == 1:
            return True
        runs = all(entry.action == "run" and not entry.moved for entry in self.entries)
        return runs and all(starmap(_together, pairwise(self.entries)))

    def __str__(self) -> str:
        """Return what to say of it, in one line."""
        last = self.entries[-1]
        named = f"{last.action} {last.subject} by {last.name} at {last.time[:19]}Z"
        count = len(self.entries)
        if self.is_doubt:
            what = "an entry is" if count == 1 else f"{count} entries of runs are"
            return (
                f"{what} stored, but in no chain: {named}; either a process was killed as it"
                " recorded that, or .mlo/refs was put back"
            )
        return (
            f"{count} entries are stored, but in no chain, up to {named}: .mlo/refs was lost or"
            " put back, or a fetch did not end (mlo fetch)"
        )


def strays(
    repo: Repository, get: Get, stored: Collection[ObjectId], linked: Collection[ObjectId]
) -> list[Stray]:
    """Return those of the `stored` entries that are in no chain, and whose deed none tells of.

    `linked` are the entries of all chains, which all could be read. What others record meanwhile
    is in a chain by the end, and is left out. An entry that cannot be read is, too.
    """
    known = set(linked)
    if known.issuperset(stored):
        return []
    known.update(_linked_since(repo, known))
    loose = _read(get, (oid for oid in stored if oid not in known))
    told = {_deed(entry) for entry, _ in _read(get, known).values()} if loose else set()
    found = [Stray(tuple(line)) for line in _lines(loose)]
    return [one for one in found if any(_deed(entry) not in told for entry in one.entries)]


def _linked_since(repo: Repository, known: set[ObjectId]) -> Iterator[ObjectId]:
    """Yield the entries that are in a chain by now; nobody is amid recording one."""
    with repo.lock("verify"):
        heads = repo.refs.all(PREFIX)
    for chain, head in heads.items():
        at: ObjectId | None = head
        while at is not None and at not in known:
            yield at
            at = parsed(repo.objects.get(at), at, chain)[1]


def _read(get: Get, oids: Iterable[ObjectId]) -> dict[ObjectId, tuple[Entry, ObjectId | None]]:
    found = {}
    for oid in oids:
        try:
            found[oid] = parsed(get(oid), oid, "")
        except MloError:
            continue
    return found


def _lines(loose: dict[ObjectId, tuple[Entry, ObjectId | None]]) -> list[list[Entry]]:
    """Return entries that follow each other together; each first one hangs on none of these."""
    line_of: dict[ObjectId, list[Entry]] = {}
    found: list[list[Entry]] = []
    for oid, (entry, prev) in sorted(loose.items(), key=lambda one: (one[1][0].seq, one[0])):
        line = None if prev is None else line_of.get(prev)
        if line is None:
            line = []
            found.append(line)
        line.append(entry)
        line_of[oid] = line
    return found


def _together(first: Entry, second: Entry) -> bool:
    """Return whether an entry may have been made with the one before; entries may say anything."""
    try:
        apart = datetime.fromisoformat(second.time) - datetime.fromisoformat(first.time)
    except (TypeError, ValueError):
        return False
    return second.seq == first.seq + 1 and apart <= _TOGETHER


def _deed(entry: Entry) -> Any:
    """Return what makes two entries tell of one deed: a run is told of again after a kill."""
    run = entry.detail.get("run") if entry.action == "run" else None
    return (entry.name, entry.email, entry.subject, str(run)) if run else entry.oid
