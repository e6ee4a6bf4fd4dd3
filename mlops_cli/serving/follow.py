"""From a reference such as `churn@production` to the version it means now, and those beside it."""

from collections.abc import Callable
from dataclasses import replace

from mlops_cli.core.repository import Repository
from mlops_cli.registry import meant, models, routes
from mlops_cli.registry.models import Model, Version
from mlops_cli.serving import rules
from mlops_cli.serving.live import Live
from mlops_cli.serving.load import Runtime, of_version
from mlops_cli.serving.slot import Found, Wanted


def follow(
    repo: Repository,
    reference: str,
    *,
    max_rows: int,
    say: Callable[[str], None],
    runtime: Runtime = "auto",
) -> Callable[[], Found]:
    """Return a function that finds the version `reference` means at the time of the call.

    A bare model name means what is in production. As long as nothing is, it means the version
    that was the newest at the first call: a version nobody promoted does not go live by itself.
    `say` is told so. With the runtime `native` originals answer, never compiled forms.
    """
    pinned = reference
    stage = stage_of(reference)

    def loader(version: Version, wanted: str) -> Callable[[], Live]:
        def made() -> Live:
            live = of_version(repo, version, reference=wanted, runtime=runtime, max_rows=max_rows)
            ruled = rules.validator(repo, version, live.signature, max_rows=max_rows)
            return live if ruled is None else replace(live, validator=ruled)

        return made

    def find() -> Found:
        nonlocal pinned
        if "@" not in reference:
            means, note = meant.live(repo, reference)
            if note is None:
                pinned = means
            elif pinned == reference:
                pinned = means
                say(note)
        wanted = pinned
        version = models.resolve(repo, wanted)
        model = models.model(repo, version.model)
        beside = []
        for arm in routes.arms(model, stage):
            other = model.version(arm.version)
            if other.id != version.id:
                named = f"{model.name}@v{other.number}"
                load = loader(other, named)
                beside.append(Wanted(arm.role, named, other.id, load, arm.share, arm.by, arm.salt))
        return Found(
            wanted,
            version.id,
            loader(version, wanted),
            tuple(beside),
            stage,
            _fields(repo, model),
        )

    return find


def _fields(repo: Repository, model: Model) -> tuple[str, ...]:
    by = repo.settings.serving.by
    own = () if by is None or by.startswith(routes.HEADER) else (by,)
    return tuple(dict.fromkeys((*own, *routes.fields(model))))


def stage_of(reference: str) -> str:
    """Return whose routes a server of `reference` follows: what is after `@`, else production.

    >>> stage_of("churn"), stage_of("churn@staging")
    ('production', 'staging')
    """
    return reference.partition("@")[2] or models.LIVE_STAGE
