"""What a monitor knows from one check to the next, kept so that a killed one goes on.

One file, `.mlo/monitor/state`, replaced whole before anything is done that it tells of, and after.
`docs/design/format.md` lists its fields.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlops_cli.core.files import outside, read_regular, write_whole
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError
from mlops_cli.monitor.watch.alerts import Alert, Finding, Sample
from mlops_cli.monitor.watch.standing import Label, Standing, Trouble

VERSION = 1
STATE = "state"
LOCK = "lock"
SILENCES = "silences"
SILENCES_NEW = "silences.new"
Counts = Counter[tuple[str, str, str]]
"""How often something happened: a family for Prometheus, its rule or action, its state."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that is still to be done about an alert.

    Attributes:
        action: which one; None to put the alert on record, which comes before its actions.
        tries: how often it was tried and failed, the last time at `tried` with `said`.
    """

    alert: Alert
    action: str | None
    tries: int = 0
    tried: str | None = None
    said: str = ""


@dataclass(slots=True)
class Memory:
    """All that is kept: how rules stand by name, what is to be done, and what has happened."""

    standings: dict[str, Standing] = field(default_factory=dict)
    errands: list[Errand] = field(default_factory=list)
    counts: Counts = field(default_factory=Counter)


def folder(repo: Repository) -> Path:
    """Return the folder of what a monitor keeps, which is there then."""
    found = repo.layout.monitor
    try:
        found.mkdir(exist_ok=True)
    except OSError as error:
        raise outside(error, found) from error
    return found


def load(repo: Repository) -> Memory:
    """Return what was kept; nothing is known before the first check.

    Raises:
        IntegrityError: the file is damaged, or of a newer mlo.
    """
    path = repo.layout.monitor / STATE
    try:
        data = read_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return Memory()
    try:
        held = json.loads(data.decode("utf-8", "surrogateescape"))
        if held["v"] != VERSION:
            raise IntegrityError(
                f"'{path}' has the format {held['v']}, unknown here", hint="use a newer mlo"
            )
        return Memory(
            {name: _standing(one) for name, one in held["rules"].items()},
            [_errand(one) for one in held["errands"]],
            Counter({(a, b, c): int(count) for a, b, c, count in held["counts"]}),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"what the monitor knew is damaged: '{path}'",
            hint=f"rm {path}, and it begins anew; the alerts are in mlo audit",
        ) from error


def save(repo: Repository, memory: Memory) -> None:
    """Keep all of it, on the disk on return."""
    held = {
        "v": VERSION,
        "rules": {name: _plain(one) for name, one in sorted(memory.standings.items())},
        "errands": [asdict(one) for one in memory.errands],
        "counts": [[*key, count] for key, count in sorted(memory.counts.items())],
    }
    text = json.dumps(held, separators=(",", ":"), ensure_ascii=False)
    path = folder(repo) / STATE
    write_whole(path, text.encode("utf-8", "surrogateescape"), aside=repo.layout.tmp)


def _plain(standing: Standing) -> dict[str, Any]:
    held = asdict(standing)
    if standing.finding is not None:
        samples = standing.finding.samples
        held["finding"]["samples"] = [[s.family, dict(s.labels), s.value] for s in samples]
    return held


def _standing(held: Mapping[str, Any]) -> Standing:
    troubles = {
        key: None if held[key] is None else Trouble(**held[key]) for key in ("broken", "unchecked")
    }
    label = Label(**{**held["label"], "actions": tuple(held["label"]["actions"])})
    finding = None if held["finding"] is None else _finding(held["finding"])
    return Standing(**{**held, **troubles, "label": label, "finding": finding})


def _finding(held: Mapping[str, Any]) -> Finding:
    samples = tuple(Sample(family, labels, value) for family, labels, value in held["samples"])
    return Finding(**{**held, "samples": samples, "notes": tuple(held["notes"])})


def _errand(held: Mapping[str, Any]) -> Errand:
    return Errand(**{**held, "alert": Alert(**held["alert"])})
