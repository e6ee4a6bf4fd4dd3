"""Where the retraining of a model stands: one small file, replaced whole at each step.

It is kept in `.mlo/retrain/NAME.json`, so that a process that was killed is followed by one that
goes on. What happened is in the audit log; this file may be deleted, then the next one begins anew.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.lock import hold
from mlops_cli.core.records import dataclass, field, replace
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError

FORMAT = 1
_KEPT = 50
"""So many moments at which retrainings began are kept, for the limit on a day."""
_MOST_REFUSED = 2

Step = Literal["data", "run", "register", "compare", "trial", "canary", "promote"]
Status = Literal[
    "promoted", "registered", "canary", "needs approval",
    "too few rows", "nothing new", "invalid", "failed", "not better", "refused",
    "sent back", "no traffic", "stopped", "interrupted", "too soon", "not needed", "would retrain",
]  # fmt: skip
UNDER_WAY: tuple[Status, ...] = ("canary", "needs approval", "interrupted")
"""A retraining that says so goes on when it is called again."""
FINE: tuple[Status, ...] = (
    "promoted", "registered", "not needed", "would retrain", "canary", "needs approval",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A version of rows: its content, how many rows, and where they are from."""

    path: str
    oid: str
    rows: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One retraining under way, or a version from before that is brought back without one.

    Attributes:
        id: 16 hex digits, which each of its audit entries has.
        step: what is to be done next.
        began: when, ISO 8601.
        cause: what brought it about, as `Alert.cause` and callers tell.
        reason: why, in a line.
        champion: the version that stood in the stage, and stays until the new one takes its place.
        back: the version that is brought back; None where one is trained.
        commit: that the pipeline runs at, before fresh rows are put in.
        change_us: when errors rose, in microseconds since 1970.
        run, version: what was made.
        canary_since: when it began to answer.
        waits: why it does not go on.
    """

    id: str
    step: Step
    began: str
    cause: Mapping[str, Any]
    reason: str
    stage: str
    champion: int | None = None
    back: int | None = None
    commit: str | None = None
    trained: Table | None = None
    held_out: Table | None = None
    change_us: int | None = None
    run: str | None = None
    version: int | None = None
    gain: Mapping[str, Any] | None = None
    canary_since: str | None = None
    waits: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """What is trained again when more rows have come since a change.

    Attributes:
        rows: so many there were since the change when it was trained last.
        times: how often that was done since the change was found.
        refused: how many of the last ones were not better, in a row.
    """

    change_us: int
    rows: int
    times: int
    refused: int = 0

    def left(self) -> "Again | None":
        """Return what is left after one that was not better: nothing after two in a row."""
        refused = self.refused + 1
        return None if refused >= _MOST_REFUSED else replace(self, refused=refused)


@dataclass(frozen=True, slots=True)
class Watch:
    """From when on the errors of a version count, and what they are held against.

    It is kept after a retraining that did not replace a version, and when one is brought back.
    """

    version: int
    since_us: int
    wrong: int
    rows: int
    spread: float
    cut: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that is kept of retraining one model."""

    attempt: Attempt | None = None
    began: tuple[str, ...] = ()
    ended: str | None = None
    watch: Watch | None = None
    again: Again | None = None
    seen: str | None = None
    """The id of the fresh rows that were looked at last."""
    spread: float = 1.0
    """How much blocks of answers varied when errors last rose, see `errors.spread`."""


@contextmanager
def alone(repo: Repository, model: str) -> Iterator[None]:
    """Be the only one that retrains a model, for a `with` block.

    Raises:
        Locked: another process is at it.
    """
    folder = repo.layout.retrain
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise outside(error, folder) from error
    lock = folder / f"{model}.lock"
    with hold(lock, purpose=f"mlo retrain {model}", wait_s=0.0, what=model):
        yield


def read(repo: Repository, model: str) -> State:
    """Return what is kept of a model; nothing where it was never retrained.

    Raises:
        IntegrityError: the file is damaged, or a newer mlo wrote it.
    """
    path = repo.layout.retrain / f"{model}.json"
    try:
        held = json.loads(path.read_bytes())
    except FileNotFoundError:
        return State()
    except (OSError, ValueError) as error:
        raise _damaged(model) from error
    try:
        if held.pop("v") != FORMAT:
            raise _damaged(model)
        return State(
            attempt=_attempt(held["attempt"]),
            began=tuple(map(str, held["began"])),
            ended=held["ended"],
            watch=None if held["watch"] is None else Watch(**held["watch"]),
            again=None if held["again"] is None else Again(**held["again"]),
            seen=held["seen"],
            spread=float(held["spread"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(model) from error


def write(repo: Repository, model: str, state: State) -> State:
    """Keep what is known now, whole or not at all, and return it."""
    kept = replace(state, began=state.began[-_KEPT:])
    data = json.dumps({"v": FORMAT, **_plain(kept)}, indent=1, sort_keys=True).encode()
    write_whole(repo.layout.retrain / f"{model}.json", data + b"\n")
    return kept


def _damaged(model: str) -> IntegrityError:
    return IntegrityError(
        f"what is kept of retraining {model} cannot be read",
        hint=f"rm .mlo/retrain/{model}.json: the next retraining begins anew",
    )


def _attempt(held: Any) -> Attempt | None:
    if held is None:
        return None
    tables = {name: held[name] and Table(**held[name]) for name in ("trained", "held_out")}
    return Attempt(**{**held, **tables})


def _plain(one: Any) -> Any:
    names = getattr(type(one), "__slots__", None)
    if isinstance(one, State | Attempt | Table | Watch | Again):
        return {name: _plain(getattr(one, name)) for name in names or ()}
    if isinstance(one, Mapping):
        return {key: _plain(value) for key, value in one.items()}
    return list(one) if isinstance(one, tuple) else one


@dataclass(frozen=True, slots=True)
class Told:
    """What a retraining came to.

    Attributes:
        status: how it stands; see `FINE` and `UNDER_WAY`.
        why: in a line.
        hint: what to type next, if anything.
        version: the new one, and `champion` the one in the stage now.
        steps: what was done, in order, each in a line.
        problems: all that is wrong with rows that are not trained on.
        exit_code: what a shell expects of a program that was asked to stop; None of others.
    """

    model: str
    stage: str
    status: Status
    why: str
    hint: str | None = None
    attempt: str | None = None
    cause: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    champion: int | None = None
    run: str | None = None
    trained: Table | None = None
    held_out: Table | None = None
    gain: Mapping[str, Any] | None = None
    steps: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    exit_code: int | None = None

    @property
    def fine(self) -> bool:
        """Whether it did what was asked, or goes on doing it."""
        return self.status in FINE
