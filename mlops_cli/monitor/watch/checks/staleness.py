"""Whether what is in use is young enough: the version, its training data, the last answer."""

from collections.abc import Iterator
from datetime import datetime

from mlops_cli.core.config_monitor import StalenessRule
from mlops_cli.core.repository import Repository
from mlops_cli.data import history
from mlops_cli.data.predictions import counted
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import MloError
from mlops_cli.monitor.watch.alerts import Finding, Sample
from mlops_cli.monitor.watch.checks import about
from mlops_cli.monitor.watch.rules import Asked
from mlops_cli.monitor.watch.standing import when
from mlops_cli.registry.models import Version
from mlops_cli.runs.record import Run

_US = 1_000_000


def check(asked: Asked) -> Finding:
    """Return whether nothing that is asked about is too old; see `Checker`."""
    rule = asked.rule.check
    if not isinstance(rule, StalenessRule):
        raise about.unexpected(rule)
    version = about.version(asked)
    said, facts, samples, worst = [], {}, [], None
    tally = Tally()
    for what, since, limit in _asked(asked, rule, version, tally):
        age = (asked.now - (since or when(version.time))).total_seconds()
        facts[what] = {"since": None if since is None else since.isoformat(), "age_s": age}
        labels = {"model": version.model, "version": str(version.number), "of": what}
        samples.append(Sample("model_age_seconds", labels, age))
        words = f"{what}: {about.ago(age)} old" if since else f"{what}: none for {about.ago(age)}"
        said.append(f"{words}, {about.ago(limit)} are allowed" if age > limit else words)
        if age > limit and (worst is None or age / limit > worst[0] / worst[1]):
            worst = (age, limit)
    return Finding(
        "holds" if worst is None else "broken",
        "; ".join(said),
        None if worst is None else worst[0],
        None if worst is None else worst[1],
        version=version.number,
        version_id=version.id,
        facts=facts,
        samples=tuple(samples),
        notes=about.told(tally),
    )


def _asked(
    asked: Asked, rule: StalenessRule, version: Version, tally: Tally
) -> Iterator[tuple[str, datetime | None, float]]:
    """Yield what is asked about, since when it is there, and how old it may be.

    Where there was no prediction yet, its age is that of the version.
    """
    if rule.version_s is not None:
        yield "version", when(version.time), rule.version_s
    if rule.data_s is not None:
        yield "data", _came(asked.repo, version), rule.data_s
    if rule.prediction_s is not None:
        reach = counted.reach(asked.repo, version.model, tally)
        last = None if reach is None else datetime.fromtimestamp(reach[1] / _US, asked.now.tzinfo)
        yield "prediction", last, rule.prediction_s


def _came(repo: Repository, version: Version) -> datetime:
    """Return when a version's training data came to be.

    That is the commit that brought them. Where no commit has them, it is when the run that read
    them began, and where there was no run, when the version was registered.
    """
    if version.data is not None:
        try:
            found = [
                one
                for one in history.versions(repo, version.data.path)
                if one.oid == version.data.oid and one.time is not None
            ]
            if found:
                return when(str(found[-1].time))
        except MloError:
            pass
    if version.run is not None:
        try:
            return when(Run.read(repo, version.run).started)
        except MloError:
            pass
    return when(version.time)
