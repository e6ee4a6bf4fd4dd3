"""From a reference such as `churn@production` to the version it means now."""

from collections.abc import Callable

from mlops_cli.core.repository import Repository
from mlops_cli.registry import models
from mlops_cli.serving.live import Found, Live
from mlops_cli.serving.load import live


def follow(
    repo: Repository, reference: str, *, max_rows: int, say: Callable[[str], None]
) -> Callable[[], Found]:
    """Return a function that finds the version `reference` means at the time of the call.

    A bare model name means what is in production. As long as nothing is, it means the version
    that was the newest at the first call: a version nobody promoted does not go live by itself.
    `say` is told so.
    """
    pinned = reference

    def find() -> Found:
        nonlocal pinned
        if "@" not in reference:
            means, note = models.live(repo, reference)
            if note is None:
                pinned = means
            elif pinned == reference:
                pinned = means
                say(note)
        wanted = pinned
        version = models.resolve(repo, wanted)

        def load() -> Live:
            return live(
                models.load(repo, version),
                reference=wanted,
                model=version.model,
                version=version.number,
                version_id=version.id,
                max_rows=max_rows,
            )

        return Found(wanted, version.id, load)

    return find
