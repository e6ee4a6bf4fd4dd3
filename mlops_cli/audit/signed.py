"""Signatures of entries: that who is said to have done something did it.

What is signed is the entry as it is kept, without its signature.
"""

from collections.abc import Mapping
from typing import Any, Literal

from mlops_cli.audit.chain import Entry
from mlops_cli.core import canonical, signatures
from mlops_cli.core.repository import Repository

NAMESPACE = "mlo-audit"
"""What signatures of entries are made for; `ssh-keygen -Y verify -n` takes it."""
Worth = Literal["good", "unknown", "bad", "none"]


def sign(repo: Repository, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entry with the signature of whoever is at work; as it is where git names no key.

    Raises:
        ExternalError: git names one, but it cannot sign.
    """
    made = signatures.sign(repo.root, canonical.encode(dict(entry)), namespace=NAMESPACE)
    return entry if made is None else {**entry, "signature": dict(made)}


def worth(repo: Repository, entry: Entry) -> Worth:
    """Return what the signature of an entry is worth: good only as that of who it says."""
    if entry.signature is None:
        return "none"
    held = canonical.decode(repo.objects.get(entry.oid))
    del held["signature"]
    found = signatures.check(
        repo.root,
        canonical.encode(held),
        entry.signature,
        namespace=NAMESPACE,
        by=entry.email,
    )
    if found.standing == "good":
        return "good" if found.who.casefold() == entry.email.casefold() else "bad"
    return "bad" if found.standing == "bad" else "unknown"
