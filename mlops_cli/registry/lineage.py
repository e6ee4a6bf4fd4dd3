"""Where anything came from, and what came of it: a walk over what was recorded anyway."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mlops_cli.audit import chain
from mlops_cli.core import git
from mlops_cli.core.canonical import decode
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.repository import Repository
from mlops_cli.data import history, prediction_log, reference
from mlops_cli.data.prediction_log import Logged
from mlops_cli.errors import MissingObject, MloError, RequestError
from mlops_cli.registry import events, models
from mlops_cli.registry.models import Version
from mlops_cli.runs import find
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run

_MANY = 20
"""At most so many things that came of one are shown."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing, what is known of it, and what it came from or what came of it.

    Attributes:
        kind: prediction, batch, version, promotion, run, code, environment, parameters, data.
        name: what people call it.
        id: its full id; empty where it has none.
        facts: what is known of it, by name.
        below: where it came from, or for data and runs what came of it.
    """

    kind: str
    name: str
    id: str
    facts: dict[str, str] = field(default_factory=dict)
    below: tuple["Node", ...] = ()


def trace(repo: Repository, text: str) -> Node:
    """Return the lineage of what `text` names.

    It may be the id of a prediction or a batch, a model or a version of one, a run, the path of
    data (with `@REV`), or the beginning of an object's id.

    Raises:
        RequestError: it names nothing that is known here.
    """
    if prediction_log.is_prediction_id(text):
        return _prediction(repo, prediction_log.find(repo, text))
    batch = _batch(repo, text)
    if batch is not None:
        return batch
    if text.partition("@")[0] in models.names(repo):
        return _version(repo, models.resolve(repo, text))
    run = _find_run(repo, text)
    if run is not None:
        return _run(repo, run, with_uses=True)
    return _data_or_object(repo, text)


def _prediction(repo: Repository, logged: Logged) -> Node:
    facts = {"answered": logged.time, "prediction": str(logged.prediction)}
    if logged.probabilities:
        facts["probabilities"] = ", ".join(
            f"{name}: {share:.4g}" for name, share in logged.probabilities.items()
        )
    version = models.resolve(repo, f"{logged.model}@{logged.version_id}")
    below = _version(repo, version, at=logged.time)
    return Node("prediction", logged.id, logged.id, facts, (below,))


def _batch(repo: Repository, text: str) -> Node | None:
    """Return the lineage of a batch of predictions, which its audit entry tells."""
    for entry in chain.entries(repo):
        if entry.action == "predict" and entry.subject == text:
            held = entry.detail
            facts = {
                "made": f"{entry.time} by {entry.name}",
                "rows": str(held.get("rows")),
                "from": f"{held.get('input')} {short(ObjectId(str(held.get('input_id'))))}",
                "to": f"{held.get('output')} {short(ObjectId(str(held.get('output_id'))))}",
            }
            version = models.resolve(repo, f"{held['model']}@{held['version']}")
            return Node("batch", text, entry.oid, facts, (_version(repo, version, at=entry.time),))
    return None


def _version(repo: Repository, version: Version, *, at: str | None = None) -> Node:
    """Return a version with who let it where, and the run that made it.

    With `at`, only the promotions until that moment.
    """
    facts = {
        "registered": f"{version.time} by {_person(version.who)}",
        "format": version.format + (", trusted" if version.trusted else ""),
        "artifact": f"{version.path} {short(version.artifact)}",
    }
    below = list(_promotions(repo, version, at))
    if version.run is None:
        facts["run"] = "none: registered from a file"
    else:
        below.append(_run_by_id(repo, version.run))
    name = f"{version.model} v{version.number}"
    return Node("version", name, version.id, facts, tuple(below))


def _promotions(repo: Repository, version: Version, at: str | None) -> Iterator[Node]:
    for event in models.model(repo, version.model).events:
        if event.kind not in (*events.MOVES, "alias") or event.number != version.number:
            continue
        if at is not None and event.time > at:
            continue
        facts = {"when": event.time, "by": _person(event.who)}
        if event.detail.get("reason"):
            facts["reason"] = str(event.detail["reason"])
        passed = [one["gate"] for one in event.detail.get("gates", ()) if one["passed"]]
        if passed:
            facts["gates passed"] = "; ".join(passed)
        where = event.detail.get("stage", event.detail.get("alias"))
        yield Node("promotion", f"{event.kind} to {where}", event.oid, facts)


def _run_by_id(repo: Repository, oid: ObjectId) -> Node:
    try:
        return _run(repo, Run.read(repo, oid))
    except MissingObject:
        return Node("run", short(oid), oid, {"record": "not in this store: mlo fetch"})


def _run(repo: Repository, run: Run, *, with_uses: bool = False) -> Node:
    command = run.command if isinstance(run.command, str) else " ".join(run.command)
    facts = {
        "command": command,
        "began": run.started,
        "status": run.status,
        "by": f"{_person(run.who)} on {run.host}",
    }
    if run.metrics:
        facts["metrics"] = ", ".join(f"{name} {_short(one)}" for name, one in run.metrics.items())
    below = [_code(repo, run), *_environment(repo, run)]
    if run.params:
        shown = {name: str(value) for name, value in sorted(run.params.items())}
        below.append(
            Node("parameters", f"{len(shown)} parameter{'' if len(shown) == 1 else 's'}", "", shown)
        )
    below += [_data(repo, one.path, one.oid) for one in run.inputs]
    if with_uses:
        below += _versions_of(repo, lambda version: version.run == run.id)
    return Node("run", run.name, run.id, facts, tuple(below))


def _code(repo: Repository, run: Run) -> Node:
    code = run.code
    facts: dict[str, str] = {}
    if code.branch:
        facts["branch"] = code.branch
    if code.dirty and code.snapshot:
        facts["with uncommitted changes"] = code.snapshot[:10]
    if code.left_out:
        facts["without"] = ", ".join(list(code.left_out)[:8])
    if code.commit is None:
        return Node("code", "no commit", code.snapshot or "", facts)
    for commit in _commit(repo, code.commit):
        facts["commit by"] = f"{commit.author.name}, {commit.when}"
        facts["subject"] = commit.subject
    return Node("code", f"commit {code.commit[:10]}", code.commit, facts)


def _commit(repo: Repository, commit: str) -> list[git.Commit]:
    try:
        return [one for one in git.history(repo.root, ".") if one.hex == commit]
    except MloError:
        return []


def _environment(repo: Repository, run: Run) -> list[Node]:
    if run.environment is None:
        return []
    if not repo.objects.has(run.environment):
        return [Node("environment", short(run.environment), run.environment)]
    held = decode(repo.objects.get(run.environment))
    packages = held.get("packages", {})
    facts = {
        "python": str(held.get("python")),
        "system": f"{held.get('os')}, {held.get('machine')}, {held.get('cpus')} CPUs",
        "packages": f"{len(packages)}"
        + "".join(
            f", {name} {packages[name]}"
            for name in ("scikit-learn", "numpy", "pandas")
            if name in packages
        ),
    }
    return [Node("environment", short(run.environment), run.environment, facts)]


def _data(repo: Repository, path: str, oid: ObjectId) -> Node:
    facts: dict[str, str] = {}
    try:
        found = [one for one in history.versions(repo, path) if one.oid == oid]
    except MloError:
        found = []
    if found:
        first = found[-1]
        if first.commit is None:
            facts["version"] = "in the work tree, in no commit yet"
        else:
            facts["version"] = f"commit {first.commit[:10]} by {first.author}, {first.time}"
    return Node("data", path, oid, facts)


def _find_run(repo: Repository, text: str) -> Run | None:
    try:
        return find.resolve(repo, text)
    except RequestError:
        return None


def _data_or_object(repo: Repository, text: str) -> Node:
    from pathlib import Path

    try:
        found = reference.resolve(repo, text, start=Path.cwd())
    except RequestError:
        oids = repo.objects.find(text) if _is_hex(text) else []
        if len(oids) != 1:
            many = f", but {len(oids)} objects" if oids else ""
            raise RequestError(
                f"'{text}' is no prediction, model, run or versioned path here{many}",
                hint="ids come with each answer of `mlo serve`; models: mlo models list",
            ) from None
        return _used("object", short(oids[0]), repo, oids[0])
    return _used("data", found.path, repo, found.oid)


def _used(kind: str, name: str, repo: Repository, oid: ObjectId) -> Node:
    """Return data with the run that made it, and the runs and versions that came of it."""
    node = _data(repo, name, oid) if kind == "data" else Node(kind, name, oid)
    below: list[Node] = []
    with open_index(repo) as index:
        runs = [Run.read(repo, one) for one in index.ids()]
    for run in runs:
        made = any(one.oid == oid for one in run.outputs)
        read = any(one.oid == oid for one in run.inputs)
        if made or read:
            did = "made by" if made else "read by"
            below.append(Node("run", f"{did} {run.name}", run.id, {"began": run.started}))
    version = _event_version(repo, oid)
    if version is not None:
        return _version(repo, version)
    uses = _versions_of(
        repo, lambda one: one.artifact == oid or any(use.oid == oid for use in one.inputs)
    )
    return Node(node.kind, node.name, oid, node.facts, (*below[:_MANY], *uses[:_MANY]))


def _event_version(repo: Repository, oid: ObjectId) -> Version | None:
    """Return the version that an object registered, if it is such an event."""
    for name in models.names(repo):
        for event in events.back(repo, events.head(repo, name)):
            if event.oid == oid or oid in event.detail.get("formerly", ()):
                return models.model(repo, name).version(event.number)
    return None


def _versions_of(repo: Repository, fits: Callable[[Version], bool]) -> list[Node]:
    return [
        Node("version", f"{version.model} v{version.number}", version.id, _stands(model, version))
        for model in (models.model(repo, name) for name in models.names(repo))
        for version in model.versions
        if fits(version)
    ]


def _stands(model: models.Model, version: Version) -> dict[str, str]:
    stages = [stage for stage, number in model.stages.items() if number == version.number]
    return {"stands in": ", ".join(sorted(stages)) or "no stage"}


def _is_hex(text: str) -> bool:
    return len(text) >= 4 and all(digit in "0123456789abcdef" for digit in text)


def _person(who: Mapping[str, str]) -> str:
    email = f" <{who['email']}>" if who.get("email") else ""
    return f"{who.get('name', '')}{email}"


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
