"""What is told of one thing in a lineage, without what lies around it."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlops_cli.core.canonical import decode
from mlops_cli.core.clock import moment
from mlops_cli.core.git_commit import commit_of
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.repository import Repository
from mlops_cli.data import history, pointer
from mlops_cli.data.prediction_log import Logged
from mlops_cli.errors import MloError
from mlops_cli.registry.events import Event
from mlops_cli.registry.lineage import counts
from mlops_cli.registry.lineage.node import Node, brief, person
from mlops_cli.registry.lineage.uses import AlertEntry, BatchEntry, Retraining
from mlops_cli.registry.models import Model, Version
from mlops_cli.runs import reproduced
from mlops_cli.runs.record import Run

_LIBRARIES = ("scikit-learn", "xgboost", "lightgbm", "numpy", "pandas")
_KINDS = {
    "approve": "approval",
    "revoke": "approval",
    "evaluate": "evaluation",
    "describe": "description",
    "route": "route",
}
_MOST = 8
"""At most so many metrics of an evaluation are told."""


def prediction(logged: Logged) -> Node:
    """Return one prediction as it was answered."""
    facts = {"answered": logged.time, "prediction": str(logged.prediction)}
    if logged.probabilities:
        facts["probabilities"] = ", ".join(
            f"{name}: {share:.4g}" for name, share in logged.probabilities.items()
        )
    if logged.role != "answer":
        facts["as"] = logged.role
    if logged.label is not None:
        facts["turned out"] = str(logged.label)
    if logged.skipped is not None:
        facts["log"] = logged.skipped
    return Node("prediction", logged.id, logged.id, facts)


def batch(entry: BatchEntry) -> Node:
    """Return a batch of predictions, as its audit entry tells."""
    held = entry.detail
    facts = {
        "made": f"{entry.time} by {entry.by}",
        "rows": str(held.get("rows")),
        "from": f"{held.get('input')} {short(ObjectId(str(held.get('input_id'))))}",
        "to": f"{held.get('output')} {short(ObjectId(str(held.get('output_id'))))}",
    }
    return Node("batch", entry.batch, entry.oid, facts)


def alert(entry: AlertEntry) -> Node:
    """Return what a monitor found of a version."""
    held = entry.detail
    facts = {"when": entry.time, "reason": str(held.get("reason"))}
    if held.get("since") != held.get("time"):
        facts["since"] = str(held.get("since"))
    return Node("alert", f"{held.get('rule')} {held.get('state')}", entry.oid, facts)


def retraining(entry: Retraining) -> Node:
    """Return what made a run where no person did, with the alert that brought it about."""
    held = entry.detail
    cause = held.get("cause") or {}
    facts = {"made": f"{entry.time} by {entry.by}", "reason": str(held.get("reason"))}
    if cause.get("by"):
        facts["begun by"] = str(cause["by"])
    above: tuple[Node, ...] = ()
    if cause.get("alert"):
        shown = ("rule", "kind", "reason", "since")
        known = {name: str(cause[name]) for name in shown if cause.get(name)}
        above = (Node("alert", str(cause["alert"]), str(cause.get("entry", "")), known),)
    return Node("retraining", str(held.get("attempt")), entry.oid, facts, above)


def logged(repo: Repository, version: Version) -> Iterator[Node]:
    """Yield how many predictions of a version are in the log of this clone, if any are."""
    try:
        found = counts.counted(repo, version.model, {version.id, *version.formerly})
    except MloError as error:
        yield Node("predictions", "unknown", "", {"log": error.message})
        return
    skipped = {"log": str(found.skipped)} if found.skipped.blocks else {}
    if found.oldest_us is None or found.newest_us is None:
        if skipped:
            yield Node("predictions", "none that can be read", "", skipped)
        return
    facts = {"made": f"{moment(found.oldest_us * 1000)} to {moment(found.newest_us * 1000)}"}
    others = {role: count for role, count in found.by_role.items() if role != "answer"}
    if others:
        facts["as"] = ", ".join(f"{role} {count:,}" for role, count in sorted(others.items()))
    what = f"{found.total:,} in the log of this clone"
    yield Node("predictions", what, "", {**facts, **skipped})


def version(model: Model, found: Version) -> Node:
    """Return a version of a model, and where it stands."""
    facts = {
        "registered": f"{found.time} by {person(found.who)}",
        "format": found.format + (", trusted" if found.trusted else ""),
        "artifact": f"{found.path} {short(found.artifact)}",
    }
    places = {**model.stages, **model.aliases}
    stands = sorted(place for place, number in places.items() if number == found.number)
    if stands:
        facts["stands in"] = ", ".join(stands)
    return Node("version", f"{found.model} v{found.number}", found.id, facts)


def event(happened: Event) -> Node:
    """Return what somebody did with a version: a promotion, an approval, an evaluation."""
    detail = happened.detail
    facts = {"when": happened.time, "by": person(happened.who)}
    for name in ("reason", "cause", "data"):
        if detail.get(name):
            facts[name] = _text(detail[name])
    gates = [one for one in detail.get("gates") or () if isinstance(one, dict)]
    passed = [str(one.get("gate")) for one in gates if one.get("passed")]
    if passed:
        facts["gates passed"] = "; ".join(passed)
    metrics = detail.get("metrics")
    if isinstance(metrics, dict) and metrics:
        shown = list(metrics.items())[:_MOST]
        left = len(metrics) - len(shown)
        facts["metrics"] = ", ".join(f"{name} {_text(one)}" for name, one in shown) + (
            f" and {left} more: mlo models show {happened.model}@v{happened.number}" if left else ""
        )
    kind = _KINDS.get(happened.kind, "promotion")
    return Node(kind, _done(happened), happened.oid, facts)


def _done(happened: Event) -> str:
    """Return what was done, in a few words.

    >>> _done(Event(ObjectId(""), None, "m", "route", "", {}, 2, {"role": "canary", "share": 0.1}))
    'canary of 10%'
    """
    detail = happened.detail
    if happened.kind == "route":
        ended = detail.get("ended")
        return f"{detail.get('role')} " + (f"ended: {ended}" if ended else _part(detail))
    where = detail.get("stage", detail.get("alias"))
    between = {"alias": " ", "approve": " for ", "revoke": " for "}.get(happened.kind, " to ")
    return f"{happened.kind}{between}{where}" if where else str(happened.kind)


def _part(detail: Mapping[str, Any]) -> str:
    share = detail.get("share")
    return f"of {100 * share:.4g}%" if isinstance(share, int | float) and share else "begun"


def _text(value: object) -> str:
    if isinstance(value, dict):
        if isinstance(value.get("path"), str) and isinstance(value.get("oid"), str):
            return f"{value['path']} {value['oid'][:10]}"
        if isinstance(value.get("value"), int | float):
            return brief(float(value["value"]))
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    return brief(value) if isinstance(value, float) else str(value)


def run(found: Run) -> Node:
    """Return a run."""
    command = found.command if isinstance(found.command, str) else " ".join(found.command)
    facts = {
        "command": command,
        "began": found.started,
        "status": found.status,
        "by": f"{person(found.who)} on {found.host}",
    }
    if found.metrics:
        facts["metrics"] = ", ".join(f"{name} {brief(one)}" for name, one in found.metrics.items())
    return Node("run", found.name, found.id, facts)


def within(repo: Repository, found: Run) -> Iterator[Node]:
    """Yield what a run ran: code, environment and parameters; and whether it was made again."""
    yield _code(repo, found)
    yield from _environment(repo, found)
    if found.params:
        shown = {name: str(value) for name, value in sorted(found.params.items())}
        several = "" if len(shown) == 1 else "s"
        yield Node("parameters", f"{len(shown)} parameter{several}", "", shown)
    stated = reproduced.latest(repo, found)
    if stated is not None:
        facts = {"when": stated.when, "by": person(stated.who)}
        if stated.signature is not None:
            facts["signature"] = f"{stated.signature.standing} {stated.signature.who}".strip()
        yield Node("reproduction", stated.verdict, "", facts)


def _code(repo: Repository, found: Run) -> Node:
    code = found.code
    facts: dict[str, str] = {}
    if code.branch:
        facts["branch"] = code.branch
    if code.dirty and code.snapshot:
        facts["with uncommitted changes"] = code.snapshot[:10]
    if code.left_out:
        facts["without"] = ", ".join(list(code.left_out)[:_MOST])
    if code.commit is None:
        return Node("code", "no commit", code.snapshot or "", facts)
    commit = commit_of(repo.root, code.commit)
    if commit is not None:
        facts["commit by"] = f"{commit.author.name}, {commit.when}"
        facts["subject"] = commit.subject
    return Node("code", f"commit {code.commit[:10]}", code.commit, facts)


def _environment(repo: Repository, found: Run) -> Iterator[Node]:
    oid = found.environment
    if oid is None:
        return
    if not repo.objects.has(oid):
        yield Node("environment", short(oid), oid)
        return
    held = decode(repo.objects.get(oid))
    packages = held.get("packages", {})
    shown = "".join(f", {one} {packages[one]}" for one in _LIBRARIES if one in packages)
    facts = {
        "python": str(held.get("python")),
        "system": f"{held.get('os')}, {held.get('machine')}, {held.get('cpus')} CPUs",
        "packages": f"{len(packages)}{shown}",
    }
    yield Node("environment", short(oid), oid, facts)


def brought(repo: Repository, path: str, oid: ObjectId) -> dict[str, str]:
    """Return which commit brought this version of data, and where it was imported from."""
    facts: dict[str, str] = {}
    try:
        found = [one for one in history.versions(repo, path) if one.oid == oid]
        named = pointer.at(repo, path, found[-1].commit) if found else None
    except MloError:
        return facts
    if found and found[-1].commit is None:
        facts["version"] = "in the work tree, in no commit yet"
    elif found:
        first = found[-1]
        facts["version"] = f"commit {str(first.commit)[:10]} by {first.author}, {first.time}"
    if named is not None and named.source is not None and named.oid == oid:
        facts["imported from"] = named.source.name
    return facts
