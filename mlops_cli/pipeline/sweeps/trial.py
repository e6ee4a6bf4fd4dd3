"""One trial of a sweep, and the journal in which a sweep keeps them.

The journal is a file in the store, `sweeps/<key>.jsonl`: what the sweep is, when each trial began,
and how it ended. A trial that began and has no end was lost with whoever did it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from mlops_cli.core import journal
from mlops_cli.core.clock import now
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.pipeline.sweeps.definition import Definition, from_plain

VERSION = 1
TrialState = Literal["running", "done", "pruned", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One choice of parameters and what came of it.

    Attributes:
        number: from 0, in the order in which they began.
        values: of the metrics that are searched by, in their order; empty unless it was done.
        intermediate: what it logged of the metric on the way, by step.
        run: the key of its run; None before there is one.
        error: why it failed, in one line.
    """

    number: int
    params: Mapping[str, Any]
    state: TrialState = "running"
    values: tuple[float, ...] = ()
    intermediate: Mapping[int, float] = field(default_factory=dict)
    run: str | None = None
    seconds: float = 0.0
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether something came of it, be it a failure: it is not to be done again."""
        return self.state in ("done", "pruned", "failed")


@dataclass(frozen=True, slots=True)
class Past:
    """A sweep as its journal has it.

    Attributes:
        key: of the sweep's run.
        code: what `runs.code.State` is made of, with the id of the bundle in place of its bytes.
    """

    key: str
    name: str
    definition: Definition
    code: Mapping[str, Any]
    trials: tuple[Trial, ...]


class SweepJournal:
    """The journal of one sweep, being written."""

    def __init__(self, repo: Repository, key: str) -> None:
        self._path = path_of(repo, key)

    def begin(self, key: str, name: str, definition: Definition, code: Mapping[str, Any]) -> None:
        """Note what the sweep is."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._note(
            {
                "v": VERSION,
                "key": key,
                "name": name,
                "definition": definition.plain(),
                "code": dict(code),
                "time": now(),
            }
        )

    def began(self, trial: Trial) -> None:
        """Note that a trial is about to begin."""
        self._note({"trial": trial.number, "params": dict(trial.params), "time": now()})

    def ended(self, trial: Trial) -> None:
        """Note what came of a trial."""
        self._note(
            {
                "trial": trial.number,
                "params": dict(trial.params),
                "state": trial.state,
                "values": list(trial.values),
                "intermediate": [[step, value] for step, value in trial.intermediate.items()],
                "run": trial.run,
                "seconds": round(trial.seconds, 6),
                "error": trial.error,
                "time": now(),
            }
        )

    def _note(self, record: dict[str, Any]) -> None:
        journal.append(self._path, record)


def path_of(repo: Repository, key: str) -> Path:
    """Return the journal of the sweep whose run has this key."""
    return repo.layout.store / "sweeps" / f"{key}.jsonl"


def read(repo: Repository, key: str) -> Past | None:
    """Return a sweep as its journal has it; None when there is none in this store."""
    lines = list(journal.read(path_of(repo, key)))
    if not lines or lines[0].get("v") != VERSION:
        return None
    head = lines[0]
    trials: dict[int, Trial] = {}
    for line in lines[1:]:
        if "trial" in line:
            trial = _trial(line)
            trials[trial.number] = trial
    return Past(
        str(head["key"]),
        str(head["name"]),
        from_plain(head["definition"]),
        head["code"],
        tuple(trials[number] for number in sorted(trials)),
    )


def _trial(line: Mapping[str, Any]) -> Trial:
    trial = Trial(int(line["trial"]), dict(line["params"]))
    if "state" not in line:
        return trial
    return replace(
        trial,
        state=line["state"],
        values=tuple(map(float, line["values"])),
        intermediate={int(step): float(value) for step, value in line["intermediate"]},
        run=line["run"],
        seconds=float(line["seconds"]),
        error=line["error"],
    )
