"""What a version is usually evaluated on: of one that a retraining made, rows of the world since.

A retraining holds the newest rows out, and evaluates the version in the stage on them too. That
says what the new one is good at, and of the old one only how it fared when something had changed.
"""

from __future__ import annotations

from mlops_cli.core.repository import Repository
from mlops_cli.data import table
from mlops_cli.errors import MloError
from mlops_cli.registry.evaluation.record import Data, Evaluation, of_version
from mlops_cli.registry.models import Model, Version
from mlops_cli.runs.record import Run

TAG = "retrain"
"""What runs of the pipeline are tagged with that a retraining began."""


def held_out_path(into: str) -> str:
    """Return what the rows that versions are compared on are called.

    >>> held_out_path("data/train.csv.gz"), held_out_path("rows.parquet")
    ('data/train.recent.csv', 'rows.recent.parquet')
    """
    suffix = table.suffix_of(into)
    stem = into[: into.lower().rindex(suffix)]
    return f"{stem}.recent{suffix}"


def of_newest(version: Version, found: Evaluation) -> bool:
    """Return whether an evaluation is of the newest rows, which a retraining held out.

    These are few, and made when something had changed: not what is usual.
    """
    known = (*version.inputs, *([version.data] if version.data else []))
    paths = {held_out_path(one.path) for one in known if table.is_table(one.path)}
    return found.data.path in paths


def is_retrained(repo: Repository, version: Version) -> bool:
    """Return whether a retraining made a version, as the record of its run says."""
    if version.run is None:
        return False
    try:
        return TAG in Run.read(repo, version.run).tags
    except MloError:
        return False


def usual(repo: Repository, model: Model, version: Version, asked: str) -> Evaluation | None:
    """Return the evaluation that tells how good a version was when it was made; None without one.

    Of one that a retraining made it is that on the rows which were held out then. Of others it is
    the first on its own test data, or else the first there is: one on later data knows already
    what is looked for. `asked` is what data are chosen by that somebody named.
    """
    every = of_version(model, version)[::-1]
    made = [one for one in every if of_newest(version, one)]
    if made and is_retrained(repo, version):
        return made[0]
    others = [one for one in every if one not in made]
    own = [one for one in others if one.data.chosen != asked]
    return next(iter(own or others), None)


def newest_rows(repo: Repository, model: Model, version: Version) -> Data | None:
    """Return the rows that were held out when a retraining made a version; None if none did."""
    made = [one for one in of_version(model, version)[::-1] if of_newest(version, one)]
    return made[0].data if made and is_retrained(repo, version) else None
