"""Signatures with the OpenPGP key that git signs commits with, made and checked by `gpg`."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlops_cli.core import signer
from mlops_cli.core.signer import setting
from mlops_cli.core.ssh_signature import Checked

_VOUCHED = frozenset(["TRUST_FULLY", "TRUST_ULTIMATE"])
_VALID = frozenset(["f", "u"])


def sign(root: Path, data: bytes) -> str | None:
    """Return a signature of `data`, or None when git's settings name no OpenPGP key.

    Raises:
        ExternalError: they name one, but it cannot sign.
    """
    key = setting(root, "user.signingkey")
    if not key or setting(root, "gpg.format") not in ("", "openpgp"):
        return None
    done = _gpg(root, ["--status-fd=2", "--batch", "-bsau", key], data)
    return signer.signed(done, "gpg", agent="gpg-agent", noise="[GNUPG:]")


def check(root: Path, data: bytes, signature: str, *, by: str) -> Checked:
    """Return what a signature of `data` is worth, as one of the person with the address `by`."""
    with tempfile.TemporaryDirectory(prefix="mlo-sign-") as folder:
        file = Path(folder) / "signature"
        file.write_text(signature)
        done = _gpg(root, ["--status-fd=1", "--batch", "--verify", str(file), "-"], data)
    if done is None:
        return Checked("unchecked")
    said = [
        line.split()[1:]
        for line in done.stdout.decode("utf-8", "replace").splitlines()
        if line.startswith("[GNUPG:] ")
    ]
    words = {line[0] for line in said if line}
    if words & {"BADSIG", "REVKEYSIG"} or not words & {"GOODSIG", "NO_PUBKEY", "EXPKEYSIG"}:
        return Checked("bad")
    key = next((line[1] for line in said if line[:1] == ["VALIDSIG"]), "")
    if done.returncode or "GOODSIG" not in words or not key or not words & _VOUCHED:
        return Checked("unknown key", key, key)
    people = _people(root, key)
    mine = by.casefold() in (one.casefold() for one in people)
    return Checked("good", by if mine else ", ".join(people), key)


def _people(root: Path, key: str) -> Sequence[str]:
    """Return the addresses that a key is known to belong to."""
    done = _gpg(root, ["--batch", "--with-colons", "--list-keys", key], b"")
    found = []
    for line in done.stdout.decode("utf-8", "replace").splitlines() if done else ():
        fields = line.split(":")
        if fields[0] == "uid" and fields[1] in _VALID and "<" in fields[9]:
            found.append(fields[9].rpartition("<")[2].rstrip(">"))
    return found


def _gpg(
    root: Path, arguments: list[str], data: bytes
) -> "subprocess.CompletedProcess[bytes] | None":
    return signer.run(root, "gpg", ("gpg.openpgp.program", "gpg.program"), arguments, data)
