"""Promises of signatures: only what was signed passes, and whose key it was is told apart."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mlops_cli.core import ssh_signature
from mlops_cli.errors import ExternalError
from tests.conftest import git

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
SPACE = "test"


@pytest.fixture
def key(project: Path, tmp_path: Path) -> Path:
    """Make a key that git signs with, and return it."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    git(project, "config", "gpg.format", "ssh")
    git(project, "config", "user.signingkey", str(path))
    return path


def allow(project: Path, key: Path, who: str) -> None:
    file = key.with_name("allowed")
    file.write_text(f"{who} {key.with_suffix('.pub').read_text()}")
    git(project, "config", "gpg.ssh.allowedSignersFile", str(file))


def test_without_a_key_nothing_is_signed(project: Path) -> None:
    assert ssh_signature.sign(project, b"said", namespace=SPACE) is None


def test_a_key_that_is_vouched_for_is_good(project: Path, key: Path) -> None:
    allow(project, key, "ada@example.org")
    signature = ssh_signature.sign(project, b"said", namespace=SPACE)
    assert signature is not None
    found = ssh_signature.check(project, b"said", signature, namespace=SPACE)
    assert (found.standing, found.who) == ("good", "ada@example.org")


def test_a_key_that_nobody_vouches_for_is_unknown(project: Path, key: Path) -> None:
    signature = ssh_signature.sign(project, b"said", namespace=SPACE)
    assert signature is not None
    found = ssh_signature.check(project, b"said", signature, namespace=SPACE)
    assert found.standing == "unknown key"
    assert found.who.startswith("SHA256:")
    other = key.with_name("other")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    allow(project, other, "eve@example.org")
    assert (
        ssh_signature.check(project, b"said", signature, namespace=SPACE).standing == "unknown key"
    )


def test_other_bytes_or_another_purpose_are_bad(project: Path, key: Path) -> None:
    allow(project, key, "ada@example.org")
    signature = ssh_signature.sign(project, b"said", namespace=SPACE)
    assert signature is not None
    assert ssh_signature.check(project, b"sold", signature, namespace=SPACE).standing == "bad"
    assert ssh_signature.check(project, b"said", signature, namespace="else").standing == "bad"
    assert ssh_signature.check(project, b"said", "no signature", namespace=SPACE).standing == "bad"


def test_a_key_that_is_not_there_is_said(project: Path, key: Path) -> None:
    git(project, "config", "user.signingkey", str(key.with_name("nowhere")))
    with pytest.raises(ExternalError, match="cannot sign"):
        ssh_signature.sign(project, b"said", namespace=SPACE)


def test_without_ssh_keygen_a_signature_stays_unchecked(project: Path, key: Path) -> None:
    signature = ssh_signature.sign(project, b"said", namespace=SPACE)
    assert signature is not None
    git(project, "config", "gpg.ssh.program", "/nowhere/ssh-keygen")
    found = ssh_signature.check(project, b"said", signature, namespace=SPACE)
    assert found.standing == "unchecked"
