"""Which version a model's name alone means: it depends on what is asked.

Where answers are made or watched it is the version in production. Where a version is judged and
moved it is the newest, the one that is on its way to a stage.
"""

from mlops_cli.core.repository import Repository
from mlops_cli.registry import models
from mlops_cli.registry.models import LIVE_STAGE


def live(repo: Repository, name: str) -> tuple[str, str | None]:
    """Return the reference that a bare model name means where answers are made, and a note.

    It is what is in production. As long as nothing is, it is the newest version, and the note
    says so; else there is no note.

    Raises:
        RequestError: there is no such model.
    """
    found = models.model(repo, name)
    if LIVE_STAGE in found.stages:
        return f"{name}@{LIVE_STAGE}", None
    newest = f"{name}@v{found.newest.number}"
    return newest, f"nothing of {name} is in {LIVE_STAGE}: {newest} answers, its newest"


def judged(repo: Repository, name: str) -> tuple[str, str | None]:
    """Return the reference that a bare model name means where a version is judged, and a note.

    It is the newest version; where another one is in production the note says so.

    Raises:
        RequestError: there is no such model.
    """
    found = models.model(repo, name)
    newest = f"{name}@v{found.newest.number}"
    number = found.stages.get(LIVE_STAGE)
    if number in (None, found.newest.number):
        return newest, None
    other = f"v{number} is in {LIVE_STAGE}: {name}@{LIVE_STAGE}"
    return newest, f"{name} alone means {newest} here, its newest; {other}"
