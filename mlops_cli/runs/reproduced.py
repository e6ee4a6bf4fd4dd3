"""What was stated of a run: whether it could be made again, by whom, and how that was found out.

A statement is in an audit entry, so it travels with push and cannot be changed unseen. It is signed
with the key that git is set to sign with, an SSH key or an OpenPGP one.
"""

from collections.abc import Mapping
from typing import Any

from mlops_cli.audit import chain
from mlops_cli.core import canonical, signatures
from mlops_cli.core.clock import now
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.core.ssh_signature import Checked
from mlops_cli.errors import ExternalError, IntegrityError
from mlops_cli.runs.index import open_index
from mlops_cli.runs.record import Run
from mlops_cli.runs.said import REPRODUCTION

NAMESPACE = "mlo-reproduce"
"""What signatures of statements are made for; `ssh-keygen -Y verify -n` takes it."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        verdict: `identical`, `equal` within the tolerance, or `differs`.
        body: all that is stated, as it was signed.
        signature: what it is worth; None where it is not signed.
    """

    verdict: str
    when: str
    who: Mapping[str, str]
    body: Mapping[str, Any]
    signature: Checked | None


def state(repo: Repository, run: Run, found: Mapping[str, Any]) -> str | None:
    """Record that a run was tried to be made again, and what was found, which has a `verdict`.

    Returns why the statement is not signed although git's settings name a key, else None.
    """
    from mlops_cli.core.git import identity

    who = identity(repo.root)
    body = {
        "v": VERSION,
        "run": run.id,
        "key": run.key,
        "when": now(),
        "who": {"name": who.name, "email": who.email},
        **found,
    }
    unsigned = None
    try:
        signature = signatures.sign(repo.root, canonical.encode(body), namespace=NAMESPACE)
    except ExternalError as error:
        signature, unsigned = None, error.message
    detail = {
        "run": run.id,
        "reproduced": found["verdict"] != "differs",
        "statement": body,
        "signature": None if signature is None else dict(signature),
    }
    chain.record(repo, REPRODUCTION, run.key, detail)
    return unsigned


def latest(repo: Repository, run: Run) -> Statement | None:
    """Return what was stated of a run last, with its signature checked; None when nobody tried."""
    with open_index(repo) as index:
        row = index.connection.execute(
            "SELECT oid FROM said WHERE key = ? AND what = ?", (run.key, REPRODUCTION)
        ).fetchone()
    return None if row is None else _read(repo, run, ObjectId(row[0]))


def verdicts(repo: Repository) -> dict[str, bool]:
    """Return by key of run whether it could be made again; runs that nobody tried are not there."""
    with open_index(repo) as index:
        rows = index.connection.execute(
            "SELECT key, reproduced FROM runs WHERE reproduced IS NOT NULL"
        )
        return {str(key): bool(held) for key, held in rows}


def _read(repo: Repository, run: Run, oid: ObjectId) -> Statement | None:
    detail = canonical.decode(repo.objects.get(oid))["detail"]
    if "statement" not in detail:
        return None
    try:
        body = detail["statement"]
        told = detail["signature"]
        checked = None
        if told is not None:
            held = {"format": "ssh", "text": told} if isinstance(told, str) else told
            who = str(body["who"]["email"])
            data = canonical.encode(body)
            checked = signatures.check(repo.root, data, held, namespace=NAMESPACE, by=who)
        if body["run"] != run.id or detail["reproduced"] != (body["verdict"] != "differs"):
            checked = Checked("bad")
        return Statement(str(body["verdict"]), str(body["when"]), body["who"], body, checked)
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"the statement about run {run.name} is malformed: {error}") from error
