"""Who approved a version for a stage: statements of people, of which each counts once.

An approval is for what a version is, not for its number: for its record, by which it is known in
every clone whatever it is called there. Whoever registered the version, or wrote the commit that
made it, cannot approve it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_cli.core import canonical, git_people, signatures
from mlops_cli.core.clock import now
from mlops_cli.core.config_models import Stage
from mlops_cli.core.git import Identity
from mlops_cli.core.ids import object_id
from mlops_cli.core.repository import Repository
from mlops_cli.core.ssh_signature import Checked
from mlops_cli.errors import RequestError
from mlops_cli.registry import events, models
from mlops_cli.registry.events import Event
from mlops_cli.registry.models import Model, Version
from mlops_cli.registry.promote import rules_of
from mlops_cli.runs.record import Run

NAMESPACE = "mlo-approve"
"""What signatures of approvals are made for; `ssh-keygen -Y verify -n` takes it."""
_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Approval:
    """What somebody stated of a version, and whether it counts.

    Attributes:
        signature: what it is worth; None where it is not signed.
        objection: why it does not count; None where it does.
    """

    who: Identity
    when: str
    reason: str | None
    signature: Checked | None
    objection: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Who approved a version for a stage.

    Attributes:
        counted: one approval of each person who may give one.
        others: those that do not count.
        wanted: how many the stage asks for.
        waiting: whose approval would count, by address; empty when anybody's would.
        authors: whose would not.
    """

    counted: tuple[Approval, ...]
    others: tuple[Approval, ...]
    wanted: int
    waiting: tuple[str, ...]
    authors: tuple[Identity, ...]

    @property
    def missing(self) -> int:
        """How many more approvals the stage asks for."""
        return max(0, self.wanted - len(self.counted))


@dataclass(frozen=True, slots=True)
class Given:
    """What became of an approval, or of taking it back.

    `made` is false where it was so already; `standing` is how things are now.
    """

    model: str
    number: int
    stage: str
    standing: Standing
    revoked: bool = False
    made: bool = False
    signed: bool = False


def content(model: Model, version: Version) -> str:
    """Return what a version is known by: 40 digits of the BLAKE3 of its name and its record.

    Unlike its id it stays the same when its number changes.
    """
    for event in model.events:
        if event.oid == version.id:
            return content_of(event)
    raise RequestError(f"{version.model} has no event that registered v{version.number}")


def content_of(event: Event) -> str:
    """Return the same of the event that registered a version."""
    record = {key: value for key, value in event.detail.items() if key != "formerly"}
    return object_id(canonical.encode({"model": event.model, "record": record}))[:_DIGITS]


def approve(
    repo: Repository,
    reference: str,
    stage: str,
    *,
    reason: str | None = None,
    revoke: bool = False,
) -> Given:
    """State that whoever is at work here approves of a version for a stage, or does not any more.

    It is signed with the key that git signs commits with, where there is one.

    Raises:
        RequestError: there is no such version or stage; it is the author who approves; or the
            stage asks for signatures, and there is no key.
        ExternalError: the key cannot sign.
    """
    with repo.lock("approve"):
        version = models.resolve(repo, reference)
        model = models.model(repo, version.model)
        rules = rules_of(repo, model.name, stage)
        before = standing(repo, model, version, stage, rules)
        me = repo.identity
        mine = [one for one in (*before.counted, *before.others) if _same(repo, one.who, me)]
        if revoke and not mine:
            raise RequestError(f"{me.email} has not approved v{version.number} for {stage}")
        if not revoke:
            _may_approve(repo, version, stage, me, before, rules)
        if not revoke and any(one.objection is None for one in mine):
            return Given(model.name, version.number, stage, before)
        signed = _state(repo, model, version, stage, reason, revoke=revoke, rules=rules)
        model = models.model(repo, version.model)
        after = standing(repo, model, version, stage, rules)
    return Given(model.name, version.number, stage, after, revoked=revoke, made=True, signed=signed)


def standing(
    repo: Repository, model: Model, version: Version, stage: str, rules: Stage
) -> Standing:
    """Return who has approved of a version for a stage, and who still may.

    Raises:
        ExternalError: git does not know who wrote the commit of its run.
    """
    authors = authors_of(repo, version)
    counted: list[Approval] = []
    others: list[Approval] = []
    for one in _newest(repo, model, content(model, version), stage):
        objection = one.objection or _objection(repo, one, authors, counted, rules)
        (others if objection else counted).append(
            Approval(one.who, one.when, one.reason, one.signature, objection)
        )
    waiting = [
        email
        for email in rules.approvers
        if not any(_is(repo, one.who, email) for one in (*counted, *map(_author, authors)))
    ]
    return Standing(tuple(counted), tuple(others), rules.approvals, tuple(waiting), authors)


def authors_of(repo: Repository, version: Version) -> tuple[Identity, ...]:
    """Return who made a version: who registered it, and who wrote the commit of its run.

    Where the run's code was not committed, also who ran it.

    Raises:
        ExternalError: git does not know the commit.
    """
    found = [_person(version.who)]
    if version.commit is not None:
        found += git_people.wrote(repo.root, version.commit)
    if version.run is not None:
        run = Run.read(repo, version.run)
        if run.code.dirty or run.code.commit is None:
            found.append(_person(run.who))
    return tuple(dict.fromkeys(found))


def statements(repo: Repository, model: Model) -> Iterator[tuple[Event, Approval]]:
    """Yield every approval of a model and every one taken back, with what is wrong with it."""
    known = {content_of(event) for event in model.events if event.kind == "register"}
    by_number = {
        event.number: content_of(event) for event in model.events if event.kind == "register"
    }
    for event in model.events:
        if event.kind in ("approve", "revoke"):
            yield event, _read(repo, event, by_number.get(event.number, ""), known)


def _may_approve(
    repo: Repository, version: Version, stage: str, me: Identity, before: Standing, rules: Stage
) -> None:
    what = f"{version.model} v{version.number}"
    if any(_same(repo, me, author) for author in before.authors):
        raise RequestError(
            f"{me.email} made {what}, so somebody else has to approve it",
            hint=f"ask somebody else for: mlo approve {version.model}@v{version.number} {stage}",
        )
    if rules.approvers and not any(_is(repo, me, email) for email in rules.approvers):
        raise RequestError(
            f"the approval of {me.email} does not count here",
            hint="those of: " + ", ".join(rules.approvers),
        )


def _state(
    repo: Repository,
    model: Model,
    version: Version,
    stage: str,
    reason: str | None,
    *,
    revoke: bool,
    rules: Stage,
) -> bool:
    """Record a statement, and return whether it is signed."""
    me = repo.identity
    body = {
        "v": 1,
        "does": "revoke" if revoke else "approve",
        "model": model.name,
        "version": content(model, version),
        "artifact": version.artifact,
        "stage": stage,
        "reason": reason,
        "when": now(),
        "who": {"name": me.name, "email": me.email},
    }
    signature = signatures.sign(repo.root, canonical.encode(body), namespace=NAMESPACE)
    if signature is None and rules.require_signed and not revoke:
        raise RequestError(
            f"approvals for {stage} have to be signed, and git names no key to sign with",
            hint="git config gpg.format ssh; git config user.signingkey ~/.ssh/id_ed25519.pub",
        )
    detail = {
        "stage": stage,
        "reason": reason,
        "version": body["version"],
        "statement": body,
        "signature": None if signature is None else dict(signature),
    }
    events.append(repo, model.name, "revoke" if revoke else "approve", version.number, detail)
    return signature is not None


def _newest(repo: Repository, model: Model, version: str, stage: str) -> list[Approval]:
    """Return the newest statement of each person on a version and a stage, if it approves.

    Taking back needs no signature: whoever doubts is heard.
    """
    newest: dict[str, tuple[str, Event, Approval]] = {}
    for event, found in statements(repo, model):
        body = event.detail.get("statement")
        if not isinstance(body, Mapping) or body.get("version") != version:
            continue
        if event.detail.get("stage") != stage:
            continue
        person = found.who.email.casefold()
        before = newest.get(person)
        if before is None or found.when >= before[0]:
            newest[person] = (found.when, event, found)
    return [one for _, event, one in newest.values() if event.kind == "approve"]


def _read(repo: Repository, event: Event, version: str, known: Collection[str]) -> Approval:
    """Return what an event states, with what is wrong with it."""
    who = _person(event.who)
    body = event.detail.get("statement")
    if not isinstance(body, Mapping):
        return Approval(who, event.time, None, None, "it states nothing")
    signature = None
    if event.detail.get("signature") is not None:
        signature = signatures.check(
            repo.root,
            canonical.encode(body),
            event.detail["signature"],
            namespace=NAMESPACE,
            by=who.email,
        )
    when, reason = str(body.get("when")), body.get("reason")
    wrong = _mismatch(event, body, version, known)
    if wrong is None and signature is not None and signature.standing == "bad":
        wrong = "its signature is not of what it states"
    return Approval(who, when, None if reason is None else str(reason), signature, wrong)


def _mismatch(
    event: Event, body: Mapping[str, Any], version: str, known: Collection[str]
) -> str | None:
    """Return in what an event and the statement in it differ; None where they agree."""
    if body.get("version") != version or event.detail.get("version") != version:
        other = "another version" if body.get("version") in known else "no version of this model"
        return f"it was made for {other}"
    same = (
        body.get("does") == event.kind
        and body.get("model") == event.model
        and body.get("stage") == event.detail.get("stage")
        and body.get("reason") == event.detail.get("reason")
        and body.get("who") == dict(event.who)
    )
    return None if same else "it states something else than its event says"


def _objection(
    repo: Repository,
    one: Approval,
    authors: tuple[Identity, ...],
    counted: list[Approval],
    rules: Stage,
) -> str | None:
    """Return why an approval that is what it says does not count; None where it does."""
    if any(_same(repo, one.who, author) for author in authors):
        return "an author cannot approve"
    if rules.approvers and not any(_is(repo, one.who, email) for email in rules.approvers):
        return "the stage asks others"
    good = one.signature is not None and one.signature.standing == "good"
    if rules.require_signed and not good:
        if one.signature is None:
            return "it is not signed"
        return f"it is signed by {one.signature.who or 'a key'}, which nobody vouches for"
    if good and one.signature is not None:
        if one.signature.who.casefold() != one.who.email.casefold():
            return f"it is signed by {one.signature.who}"
        keys = [other.signature.key for other in counted if other.signature is not None]
        if one.signature.key in keys:
            return "the same key has signed another"
    if any(_same(repo, one.who, other.who) for other in counted):
        return "the same person has approved under another address"
    return None


def _same(repo: Repository, one: Identity, other: Identity) -> bool:
    """Return whether two are one person: by their addresses, or by git's mailmap."""
    mine = git_people.addresses(repo.root, one)
    return not mine.isdisjoint(git_people.addresses(repo.root, other))


def _is(repo: Repository, one: Identity, email: str) -> bool:
    return _same(repo, one, Identity("", email))


def _person(who: Mapping[str, str]) -> Identity:
    return Identity(str(who.get("name", "")), str(who.get("email", "")))


def _author(one: Identity) -> Approval:
    return Approval(one, "", None, None)
