"""The programs that git signs with, run as git's settings say."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.errors import ExternalError


def setting(root: Path, name: str) -> str:
    """Return what one of git's settings says; empty where it says nothing."""
    done = git.run(root, "config", "--get", name, ok=(0, 1, 128))
    return done.stdout.decode("utf-8", "replace").strip()


def run(
    root: Path, program: str, settings: Sequence[str], arguments: Sequence[str], data: bytes
) -> "subprocess.CompletedProcess[bytes] | None":
    """Run a program, which may not ask for anything; None when there is none.

    The first of `settings` that says something names another in its place.
    """
    said = (setting(root, name) for name in settings)
    try:
        return subprocess.run(
            [next(filter(None, said), program), *arguments],
            input=data,
            capture_output=True,
            check=False,
            start_new_session=True,
        )
    except OSError:
        return None


def signed(
    done: "subprocess.CompletedProcess[bytes] | None", program: str, *, agent: str, noise: str = ""
) -> str:
    """Return the signature that a program made.

    Args:
        done: what `run` returned.
        program: what it is called.
        agent: who holds passphrases for it.
        noise: how lines begin that say nothing to people; empty where there are none.

    Raises:
        ExternalError: it made none.
    """
    if done is not None and not done.returncode:
        return done.stdout.decode("ascii", "replace")
    said = "" if done is None else done.stderr.decode("utf-8", "replace")
    lines = [line for line in said.splitlines() if line and not (noise and line.startswith(noise))]
    why = lines[-1][:200] if lines else f"there is no {program}"
    raise ExternalError(
        f"the key that git signs with cannot sign: {why}",
        hint=f"see: git config user.signingkey; a key with a passphrase needs {agent}",
    )
