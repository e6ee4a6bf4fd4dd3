"""Signatures with whichever key git signs commits with: an SSH key, or an OpenPGP one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_cli.core import gpg_signature, ssh_signature
from mlops_cli.core.ssh_signature import Checked

Signature = Mapping[str, str]
"""`format`: `ssh` or `openpgp`; `text`: the signature, armoured."""


def sign(root: Path, data: bytes, *, namespace: str) -> Signature | None:
    """Return a signature of `data`, or None when git's settings name no key.

    `namespace` says what for, so that an SSH signature of equal bytes elsewhere does not count.

    Raises:
        ExternalError: they name one, but it cannot sign.
    """
    text = ssh_signature.sign(root, data, namespace=namespace)
    if text is not None:
        return {"format": "ssh", "text": text}
    text = gpg_signature.sign(root, data)
    return None if text is None else {"format": "openpgp", "text": text}


def check(root: Path, data: bytes, held: Any, *, namespace: str, by: str) -> Checked:
    """Return what a kept signature of `data` is worth, as one of the person with the address `by`.

    It is good only if the key is vouched for, and `who` is `by` only if it is as that person's.
    """
    try:
        kind, text = held["format"], str(held["text"])
    except (KeyError, TypeError):
        return Checked("bad")
    if kind == "ssh":
        return ssh_signature.check(root, data, text, namespace=namespace, by=by)
    if kind == "openpgp":
        return gpg_signature.check(root, data, text, by=by)
    return Checked("bad")
