"""Whether a version was trained on data like those of another, as gates on drift ask."""

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.monitor import drift, sides
from mlops_cli.monitor.given import Given
from mlops_cli.registry.gates.asked import Drifted
from mlops_cli.registry.models import Version


def drifted(repo: Repository) -> Drifted:
    """Return what compares the training data of two versions, by the settings of `drift`."""

    def judge(before: Version, now: Version) -> tuple[bool, str]:
        first, second = (_taken(_known(repo, one), now) for one in (before, now))
        report = drift.compare(first.table, second.table, repo.settings.drift)
        return report.verdict in ("ok", "warn"), report.reason

    return judge


def _known(repo: Repository, version: Version) -> Given:
    try:
        return sides.trained_on(repo, version)
    except RequestError as error:
        hint = f"set models.{version.model}.data in .mlops.yaml, and register again"
        raise RequestError(error.message, hint=hint) from error


def _taken(data: Given, version: Version) -> Given:
    """Return the columns of training data that a version takes, and its target."""
    names = data.whole.names
    if version.signature is None:
        return data
    wanted = {*version.signature.names, version.target}
    known = {name: name for name in names if name in wanted}
    return data.choosing(known) if known else data
