"""Getting the secrets that actions need, each time anew, so that they may be changed."""

import os
from collections.abc import Mapping
from pathlib import Path

from mlops_cli.core.config_actions import Secret, is_url
from mlops_cli.core.files import read_regular
from mlops_cli.errors import ExternalError, RequestError


def address(secret: Secret, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return an address that is a secret.

    Raises:
        RequestError: there is none, or it is no address; what it is instead is not told.
        ExternalError: its file cannot be read.
    """
    found = reveal(secret, root, environment)
    if not is_url(found):
        where = f"'{secret.file}'" if secret.env is None else f"the variable {secret.env}"
        raise RequestError(f"what is in {where} is no address such as https://HOST/PATH")
    return found


def reveal(secret: Secret, root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return a secret; in a file it is all but the white space around it.

    Raises:
        RequestError: there is none.
        ExternalError: its file cannot be read.
    """
    if secret.env is not None:
        found = environment.get(secret.env, "").strip()
        if not found:
            state = "is empty" if secret.env in environment else "is not set"
            raise RequestError(f"the variable {secret.env} {state}, and it holds a secret")
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
