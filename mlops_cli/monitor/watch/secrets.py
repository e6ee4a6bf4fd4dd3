"""Getting the secrets that actions need, each time anew, so that they may be changed."""

import os
from collections.abc import Mapping
from pathlib import Path

from mlops_cli.core.config_actions import Secret
from mlops_cli.core.files import read_regular
from mlops_cli.errors import ExternalError, RequestError


def reveal(secret: Secret, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return a secret; in a file it is all but the white space around it.

    Raises:
        RequestError: there is none.
        ExternalError: its file cannot be read.
    """
    if secret.env is not None:
        found = environment.get(secret.env, "").strip()
        if not found:
            raise RequestError(f"the variable {secret.env} is not set, and it holds a secret")
        return found
    path = root / Path(str(secret.file)).expanduser()
    try:
        found = read_regular(path).decode("utf-8", "replace").strip()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read the secret in '{path}': {reason}") from error
    if not found or not found.isprintable():
        raise RequestError(f"there is no secret of one line in '{path}'")
    return found
