"""Models, their versions, and where each stands: what a chain of events adds up to."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from mlops_cli.core import scratch
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths
from mlops_cli.data.restore import write_out
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.registry import events, signature
from mlops_cli.registry.events import Event
from mlops_cli.registry.signature import Signature

if TYPE_CHECKING:
    from mlops_cli.registry.formats import Predictor

Label = str | int | float | bool

LIVE_STAGE = "production"
_MIN_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Input:
    """A version of data that a model was made from, directly or through other steps."""

    path: str
    oid: ObjectId
    kind: Literal["file", "folder"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model.

    Attributes:
        id: of the event that registered it; changes only when a clone's events are put after
            those of a remote.
        formerly: the ids it had before that, which predictions may name.
        artifact: the model's folder, or its file when it is one alone.
        path: where the artifact was when it was registered.
        run: the run that made it; None when it came from outside any run.
        data: the table it was fitted on, as far as is known.
        commit: of the run's code.
        trusted: whether somebody vouched for code in it, and `trusted_types` for which types.
        model_type: the class of the model, such as `sklearn.linear_model._logistic...`.
        classes: the labels of a classifier in the order of its probabilities.
        libraries: what it was saved with, versions by name; `licences` what these say of theirs.
        licence: of the model itself, as far as somebody said.
        example: an object with a few rows that it takes, see `registry/example.py`.
        profile: an object with its training table in sum, see `registry/profile.py`.
        card: an object of Markdown, the newest one.
        runtime: what answers: `{"kind": "onnx", "artifact": ID, ...}` for the compiled form, or
            `{"kind": "native", "why": ...}` for the original; None before models were compiled.
    """

    model: str
    number: int
    id: ObjectId
    time: str
    who: Mapping[str, str]
    artifact: ObjectId
    kind: Literal["file", "folder"]
    path: str
    size: int
    format: str
    trusted: bool
    run: ObjectId | None
    inputs: tuple[Input, ...]
    data: Input | None
    target: str | None
    commit: str | None
    environment: ObjectId | None
    task: str
    signature: Signature | None
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    formerly: tuple[ObjectId, ...] = ()
    model_type: str | None = None
    classes: tuple[Label, ...] | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    licence: str | None = None
    description: str | None = None
    example: ObjectId | None = None
    profile: ObjectId | None = None
    card: ObjectId | None = None
    runtime: Mapping[str, Any] | None = None
    trusted_types: tuple[str, ...] = ()

    @property
    def compiled(self) -> ObjectId | None:
        """The id of its compiled form, None where the original answers."""
        if self.runtime is None or self.runtime["kind"] != "onnx":
            return None
        return _id(self.runtime["artifact"])

    @property
    def told(self) -> tuple[ObjectId, ...]:
        """The small objects that tell of it: example, profile and card."""
        return tuple(one for one in (self.example, self.profile, self.card) if one is not None)

    def has_id(self, prefix: str) -> bool:
        """Return whether its id, or one that it had, begins with `prefix`."""
        return any(oid.startswith(prefix) for oid in (self.id, *self.formerly))


@dataclass(frozen=True, slots=True)
class Model:
    """A model: versions from the first to the newest, and where they stand.

    `stages` and `aliases` give version numbers; `events` are from the first to the newest.
    """

    name: str
    versions: tuple[Version, ...]
    stages: Mapping[str, int]
    aliases: Mapping[str, int]
    events: tuple[Event, ...]

    def version(self, number: int) -> Version:
        """Return a version by its number.

        Raises:
            RequestError: there is none.
        """
        for version in self.versions:
            if version.number == number:
                return version
        raise RequestError(
            f"{self.name} has no version v{number}", hint=f"mlo models show {self.name}"
        )

    @property
    def newest(self) -> Version:
        """The version with the highest number."""
        return self.versions[-1]


def names(repo: Repository) -> list[str]:
    """Return the names of all models, sorted."""
    return sorted(ref.removeprefix(events.PREFIX) for ref in repo.refs.all(events.PREFIX))


def model(repo: Repository, name: str) -> Model:
    """Return a model.

    Raises:
        RequestError: there is no such model.
        MissingObject, IntegrityError: as of `events.back`.
    """
    head = events.head(repo, name)
    if head is None:
        known = names(repo)
        near = get_close_matches(name, known, n=1)
        other = "mlo models list" if known else f"mlo register {name}"
        hint = f"did you mean '{near[0]}'?" if near else other
        raise RequestError(f"there is no model '{name}'", hint=hint)
    return _remembered(repo, name, head)


_KNOWN: "WeakKeyDictionary[Repository, dict[str, Model]]" = WeakKeyDictionary()
"""What chains added up to when they were last read, in this process: events never change."""


def _remembered(repo: Repository, name: str, head: ObjectId) -> Model:
    """Return what the chain that ends at `head` adds up to; only what is new in it is read."""
    known = _KNOWN.setdefault(repo, {})
    before = known.get(name)
    fresh = list(events.back(repo, head, until=before.events[-1].oid if before else None))
    if before and fresh and fresh[-1].prev is None:
        before = None  # the chain is another one, as after a pull that put events before ours
    known[name] = found = fold(name, tuple(fresh[::-1]), before)
    return found


def vet(repo: Repository, name: str, head: ObjectId) -> None:
    """Raise IntegrityError unless the chain that ends at `head` adds up to a model `name`."""
    fold(name, tuple(events.back(repo, head))[::-1])


def fold(name: str, history: tuple[Event, ...], before: Model | None = None) -> Model:
    """Return what events, from the first to the newest, add up to; those after `before` with it.

    Raises:
        IntegrityError: one is of another model, or about a version that nobody registered.
    """
    if before is not None and not history:
        return before
    start = before or Model(name, (), {}, {}, ())
    versions = {version.number: version for version in start.versions}
    stages, aliases = dict(start.stages), dict(start.aliases)
    for event in history:
        if event.model != name:
            raise IntegrityError(f"the chain of {name} holds an event of {event.model}")
        if event.kind == "register":
            if event.number <= max(versions, default=0):
                raise IntegrityError(f"the chain of {name} has v{event.number} out of order")
            versions[event.number] = version_of(event)
        elif event.number not in versions:
            raise IntegrityError(f"the chain of {name} moves v{event.number}, which it lacks")
        elif event.kind == "alias":
            aliases[str(event.detail["alias"])] = event.number
        elif event.kind == "describe":
            versions[event.number] = _described(versions[event.number], event)
        elif event.kind in events.MOVES:
            stages[str(event.detail["stage"])] = event.number
    return Model(name, tuple(versions.values()), stages, aliases, start.events + history)


def resolve(repo: Repository, text: str) -> Version:
    """Return the version that `churn`, `churn@production`, `churn@v3` or `churn@ID` means.

    A bare name means the newest version; after `@` comes a stage, an alias, a number, or the
    beginning of a version's id.

    Raises:
        RequestError: there is no such model or version, or several fit.
    """
    name, at, which = text.partition("@")
    found = model(repo, name)
    if not at:
        return found.newest
    number = found.stages.get(which) or found.aliases.get(which)
    if number is not None:
        return found.version(number)
    if which[:1] == "v" and which[1:].isdigit():
        return found.version(int(which[1:]))
    fitting = [one for one in found.versions if len(which) >= _MIN_PREFIX and one.has_id(which)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise RequestError(f"'{text}' may be {len(fitting)} versions", hint="give more of the id")
    standing = [f"{name}@{stage}" for stage in (*found.stages, *found.aliases)]
    hint = "there are " + ", ".join([*standing, f"{name}@v{found.newest.number}"])
    raise RequestError(f"{name} has nothing at '{which}'", hint=hint)


@contextmanager
def materialise(repo: Repository, version: Version) -> Iterator[Path]:
    """Yield a path that holds the version's model, every byte checked against its id.

    It is a copy for this `with` block alone, so nobody can have changed it since.

    Raises:
        MissingObject: its bytes are not in this store.
        IntegrityError: they are damaged.
    """
    folder = scratch.folder(repo.layout) / f"model-{os.getpid()}-{os.urandom(4).hex()}"
    name = version.path.rpartition("/")[2] if version.kind == "file" else "model"
    folder.mkdir(mode=0o700)
    try:
        write_out(repo, version.artifact, version.kind, folder / name)
        yield folder / name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load(repo: Repository, version: Version) -> "Predictor":
    """Return a version's model, ready to predict, with the signature that was registered.

    Code in it may run only if somebody vouched for it when it was registered.

    Raises:
        RequestError, StateError: as of `formats.load`.
        MissingObject, IntegrityError: as of `materialise`.
    """
    from mlops_cli.registry import formats

    with materialise(repo, version) as path:
        code = repo.root if version.trusted else None
        predictor = formats.load(path, trust=version.trusted, code=code)
    return replace(predictor, signature=version.signature or predictor.signature)


def version_of(event: Event) -> Version:
    """Return the version that an event registers.

    Raises:
        IntegrityError: its record is malformed.
    """
    held = event.detail
    try:
        columns = held["signature"]
        paths.check(held["path"])
        return Version(
            model=event.model,
            number=event.number,
            id=event.oid,
            time=event.time,
            who=event.who,
            artifact=_id(held["artifact"]),
            kind=held["kind"],
            path=held["path"],
            size=held["size"],
            format=held["format"],
            trusted=held["trusted"],
            run=_maybe_id(held["run"]),
            inputs=tuple(_input(one) for one in held["inputs"]),
            data=None if held["data"] is None else _input(held["data"]),
            target=held["target"],
            commit=held["commit"],
            environment=_maybe_id(held["environment"]),
            task=held["task"],
            signature=None if columns is None else signature.from_dict(columns),
            metrics=dict(held["metrics"]),
            formerly=tuple(_id(one) for one in held.get("formerly", ())),
            **_later(held),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"the record of {event.model} v{event.number} is malformed: {error!r}"
        ) from error


def _later(held: Mapping[str, Any]) -> dict[str, Any]:
    """Return what records did not have at first."""
    classes = held.get("classes")
    return {
        "model_type": held.get("model_type"),
        "classes": None if classes is None else tuple(classes),
        "libraries": dict(held.get("libraries", {})),
        "licences": dict(held.get("licences", {})),
        "licence": held.get("licence"),
        "description": held.get("description"),
        "example": _maybe_id(held.get("example")),
        "profile": _maybe_id(held.get("profile")),
        "card": _maybe_id(held.get("card")),
        "runtime": _runtime(held.get("runtime")),
        "trusted_types": tuple(held.get("trusted_types", ())),
    }


def _runtime(held: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return what answers, once it is sure that its form is there to be found."""
    if held is not None and held["kind"] == "onnx":
        _id(held["artifact"])
    elif held is not None and held["kind"] != "native":
        raise ValueError(f"unknown runtime '{held['kind']}'")
    return None if held is None else dict(held)


def _described(version: Version, event: Event) -> Version:
    """Return the version with the card that an event gives it."""
    try:
        return replace(version, card=_id(event.detail["card"]))
    except (KeyError, ValueError) as error:
        raise IntegrityError(
            f"an event of {event.model} v{event.number} has no card: {error!r}"
        ) from error


def _input(held: Mapping[str, Any]) -> Input:
    return Input(held["path"], _id(held["oid"]), held["kind"])


def _id(text: Any) -> ObjectId:
    if not isinstance(text, str) or not is_id(text):
        raise ValueError(f"'{text}' is no id")
    return ObjectId(text)


def _maybe_id(text: Any) -> ObjectId | None:
    return None if text is None else _id(text)
