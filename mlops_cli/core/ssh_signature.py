"""Signatures with the SSH key that git signs commits with, made and checked by `ssh-keygen`.

Git's own settings say which key (`gpg.format = ssh`, `user.signingkey`), and whose keys count
(`gpg.ssh.allowedSignersFile`).
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Literal

from mlops_cli.core import signer
from mlops_cli.core.records import dataclass
from mlops_cli.core.signer import setting

Standing = Literal["good", "unknown key", "bad", "unchecked"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a signature is worth.

    Attributes:
        standing: `good` when a key signed it that the settings vouch for; `unknown key` when the
            bytes are those that were signed, but nobody vouches for the key.
        who: whose key it is, or what the key is called.
        key: the fingerprint of the key.
    """

    standing: Standing
    who: str = ""
    key: str = ""


def sign(root: Path, data: bytes, *, namespace: str) -> str | None:
    """Return a signature of `data`, or None when git's settings name no SSH key.

    Raises:
        ExternalError: they name one, but it cannot sign.
    """
    if setting(root, "gpg.format") != "ssh":
        return None
    key = setting(root, "user.signingkey")
    if not key:
        return None
    with tempfile.TemporaryDirectory(prefix="mlo-sign-") as folder:
        arguments = ["-Y", "sign", "-n", namespace, *_key(key, Path(folder))]
        done = _ssh_keygen(root, arguments, data)
    return signer.signed(done, "ssh-keygen", agent="ssh-agent")


def check(
    root: Path, data: bytes, signature: str, *, namespace: str, by: str | None = None
) -> Checked:
    """Return what a signature of `data` is worth by git's settings.

    Where the key is vouched for as that of `by`, among others, it is `by` who is said to sign.
    """
    with tempfile.TemporaryDirectory(prefix="mlo-sign-") as folder:
        file = Path(folder) / "signature"
        file.write_text(signature)
        signed = ["-n", namespace, "-s", str(file)]
        done = _ssh_keygen(root, ["-Y", "check-novalidate", *signed], data)
        if done is None:
            return Checked("unchecked")
        if done.returncode:
            return Checked("bad")
        key = done.stdout.decode("utf-8", "replace").strip().rpartition(" ")[2]
        allowed = setting(root, "gpg.ssh.allowedSignersFile")
        if not allowed:
            return Checked("unknown key", key, key)
        vouched = ["-f", str(root / Path(allowed).expanduser())]
        revoked = setting(root, "gpg.ssh.revocationFile")
        unless = ["-r", str(root / Path(revoked).expanduser())] if revoked else []
        found = _ssh_keygen(root, ["-Y", "find-principals", *vouched, "-s", str(file)], b"")
        named = found.stdout.decode("utf-8", "replace").split() if found else []
        for who in named if by is None else [by, *named]:
            arguments = ["-Y", "verify", *vouched, *unless, "-I", who, *signed]
            done = _ssh_keygen(root, arguments, data)
            if done is not None and not done.returncode:
                return Checked("good", who, key)
    return Checked("unknown key", key, key)


def _key(setting: str, folder: Path) -> list[str]:
    """Return the arguments that name a key: a file, or a public key whose other half ssh-agent has.

    Git takes both for `user.signingkey`.
    """
    literal = setting.removeprefix("key::")
    if literal == setting and not setting.startswith("ssh-"):
        return ["-f", str(Path(setting).expanduser())]
    file = folder / "key.pub"
    file.write_text(literal + "\n")
    return ["-U", "-f", str(file)]


def _ssh_keygen(
    root: Path, arguments: list[str], data: bytes
) -> "subprocess.CompletedProcess[bytes] | None":
    return signer.run(root, "ssh-keygen", ("gpg.ssh.program",), arguments, data)
