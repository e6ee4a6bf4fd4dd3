"""What the options of `mlo serve` begin: canaries, experiments and shadows, as start values."""

from collections.abc import Callable, Sequence
from typing import get_args

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.registry import models, routes, trial
from mlops_cli.registry.gates.asked import Drifted
from mlops_cli.registry.promote import Moved
from mlops_cli.registry.routes import Role
from mlops_cli.serving.follow import stage_of


def begin(
    repo: Repository,
    references: Sequence[str],
    role: str,
    texts: Sequence[str],
    *,
    by: str | None,
    say: Callable[[str], None],
    drifted: Drifted | None = None,
) -> None:
    """Begin what each of `texts` says, such as `v4:10%`, beside one of the models in `references`.

    A version that has the role already keeps its share, and one that lost it does not get it back:
    a server that is started anew must not undo what was decided since. `say` is told so.
    `drifted` is for gates on drift.

    Raises:
        RequestError: a text is not understood, or its version cannot have the role, or a gate of
            the stage refuses.
    """
    for text in texts:
        _begin(repo, references, _role(role), text, by, say, drifted)


def _begin(
    repo: Repository,
    references: Sequence[str],
    role: Role,
    text: str,
    by: str | None,
    say: Callable[[str], None],
    drifted: Drifted | None,
) -> None:
    which, share = _parted(text, role)
    served, version = _meant(repo, references, which, role)
    stage = stage_of(served)
    model = models.model(repo, version.model)
    name = f"{model.name} v{version.number}"
    for arm in routes.arms(model, stage):
        if (arm.role, arm.version) == (role, version.number):
            say(f"{name} goes on with {100 * arm.share:.4g}%, as {_SINCE} {arm.since}")
            return
    ended = routes.ended(model, role, version.number, stage)
    if ended is not None:
        why = ended.detail.get("reason")
        because = f": {why}" if why else ""
        say(f"{name} does not begin again, it was {ended.detail['ended']}{because}")
        return
    by = by or repo.settings.serving.by
    by = by if role == "ab" else None
    reference = f"{model.name}@v{version.number}"
    reason = "an option of mlo serve"
    tried = trial.begin(
        repo, reference, role, share=share, by=by, stage=stage, reason=reason, drifted=drifted
    )
    if tried.refused:
        raise _refused(tried, name, role, f"{reference} {100 * share:.4g}%")


def _refused(tried: Moved, name: str, role: Role, what: str) -> RequestError:
    refusing = [one for one in tried.gates if not one.passed]
    why = "; ".join(f"{one.gate}: {one.why}" for one in refusing[:3])
    more = f"; and {len(refusing) - 3} more" if len(refusing) > 3 else ""
    command = "ab start" if role == "ab" else role
    return RequestError(
        f"the gates of {tried.stage} refuse {name}: {why}{more}", hint=f"mlo {command} {what}"
    )


_SINCE = "was decided at"


def _role(text: str) -> Role:
    for role in get_args(Role):
        if role == text:
            found: Role = role
            return found
    raise RequestError(f"'{text}' is no part that a version can have")


def _parted(text: str, role: Role) -> tuple[str, float]:
    """Return the reference and the share in `v4:10%`; a shadow sees all requests without one."""
    which, colon, share = text.rpartition(":")
    if not colon and role == "shadow":
        return text, 1.0
    if not which:
        raise RequestError(f"'{text}' names no share of the requests", hint=f"--{role} {text}:10%")
    return which, routes.share_of(share)


def _meant(
    repo: Repository, references: Sequence[str], which: str, role: Role
) -> tuple[str, models.Version]:
    """Return what is served and the version beside it that `v4` or `churn@v4` means."""
    name, at, _ = which.partition("@")
    if not at and len(references) > 1:
        raise RequestError(
            f"'{which}' does not say of which model", hint=f"--{role} MODEL@{which}:10%"
        )
    if not at:
        name = references[0].partition("@")[0]
        which = f"{name}@{which}"
    for served in references:
        if served.partition("@")[0] == name:
            return served, models.resolve(repo, which)
    raise RequestError(f"{name} is not served here", hint=f"mlo serve {name} --{role} {which}:10%")
