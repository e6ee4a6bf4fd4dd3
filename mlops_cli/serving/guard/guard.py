"""What the settings say of tokens, rates and TLS, read once at the start of a server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core import git
from mlops_cli.core.config_serving import Serving
from mlops_cli.core.secret_files import in_work_tree, place
from mlops_cli.errors import RequestError
from mlops_cli.serving.guard.rates import Rates
from mlops_cli.serving.guard.tls import Tls
from mlops_cli.serving.guard.tokens import Tokens, tokens


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may ask, how often, and how it is kept secret; all None for a server that is open."""

    tokens: Tokens | None = None
    rates: Rates | None = None
    tls: Tls | None = None


OPEN_TO_ALL = Guard()


def guard(
    settings: Serving,
    root: Path,
    environment: Mapping[str, str],
    *,
    say: Callable[[str], None],
) -> Guard:
    """Return the guard of a server of the project at `root`; `say` is told of new files.

    Raises:
        RequestError: a file is missing or no good, or git keeps the tokens or the key.
    """
    path = None if settings.tokens_file is None else place(settings.tokens_file, root)
    secret = [path]
    secrecy = None
    if settings.tls.cert is not None:
        certificate = place(settings.tls.cert, root)
        key = None if settings.tls.key is None else place(settings.tls.key, root)
        secrecy = Tls(certificate, key, say=say)
        secret.append(key or certificate)
    for one in secret:
        if one is not None:
            _refuse_tracked(one, root)
    known = tokens(path, environment, say=say)
    is_limited = settings.limits.requests_per_second is not None
    rates = Rates(settings.limits, by_token=known is not None) if is_limited else None
    return Guard(known, rates, secrecy)


def _refuse_tracked(path: Path, root: Path) -> None:
    inside = in_work_tree(path, root)
    if inside is not None and git.is_tracked(inside[0], [inside[1]]):
        raise RequestError(
            f"git tracks '{inside[1]}', which must stay secret: who has the repository reads it",
            hint="make a new one outside of the project",
        )
