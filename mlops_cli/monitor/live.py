"""What to compare: the data that a model was trained on, and what it was asked since.

Both are known, so nobody has to say: a version names the table it was fitted on, or keeps what it
was like, and the prediction log has every request. Either can be replaced by a table of one's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.data import prediction_log, reference, table
from mlops_cli.data.prediction_log import Window
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import RequestError
from mlops_cli.monitor import drift
from mlops_cli.monitor.drift import DriftReport
from mlops_cli.registry import models, profile, profile_rows
from mlops_cli.registry.models import Version

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 1_000_000
"""Of more predictions so many are compared, evenly chosen: no test gains by more."""
_AGO = re.compile(r"(\d{1,6})\s*(m|h|d|w)")
_MINUTES = {"m": 1, "h": 60, "d": 60 * 24, "w": 60 * 24 * 7}


@dataclass(frozen=True, slots=True)
class Span:
    """Which predictions count: from `since` on, before `until`, and of these the `last` ones.

    The moments are ISO 8601, UTC unless they say otherwise.
    """

    since: str | None = None
    until: str | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """Where one of the two tables is from.

    `path` is None for the prediction log; `oid` is None for a file as it is in the work tree. With
    `kept` it is no table: a version's profile of its training data, with its id.
    """

    path: str | None
    rev: str | None = None
    oid: ObjectId | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What was compared, and what is to be said of it; model and version if one was asked for."""

    model: str | None
    version: int | None
    reference: Side
    current: Side
    span: Span
    report: DriftReport
    notes: tuple[str, ...] = ()
    """What else there is to know of the predictions."""


def check(
    repo: Repository,
    model: str | None = None,
    *,
    reference: str | None = None,
    current: str | None = None,
    span: Span | None = None,
    start: Path | None = None,
) -> Checked:
    """Return whether what a model is asked has drifted from what it was trained on.

    Args:
        repo: where.
        model: a model's name, or a version of it. A bare name means the version that answered
            last. None when only one model has answered, or when both tables are given.
        reference: a table to use in place of the training data, `PATH` or `PATH@REV`.
        current: a table to use in place of the prediction log.
        span: which predictions count; all by default.
        start: the folder that paths start from; the project's root by default.

    Raises:
        RequestError: it is not clear what to compare, a table cannot be read, or they have no
            column in common.
        MissingObject, IntegrityError: as of the object store and the prediction log.
    """
    here = start or repo.root
    span = span or Span()
    if current is not None and span != Span():
        raise RequestError(
            "a time or a number of predictions was given, but no predictions are asked for",
            hint="leave out either --current, or --since, --until and --last",
        )
    if model is None and reference is not None and current is not None:
        side, frame = _table(repo, reference, here)
        other, now = _table(repo, current, here)
        return Checked(
            None, None, side, other, span, drift.compare_frames(frame, now, repo.settings.drift)
        )
    name = model if model is not None else _only_model(repo)
    version, asked, window, tally = _asked(repo, name, span, answered=current is None)
    other = Side(None)
    if current is not None:
        other, asked = _table(repo, current, here)
    if reference is None:
        side, frame = _trained_on(repo, version)
    else:
        side, frame = _table(repo, reference, here)
    frame = _inputs(frame, version)
    asked = _as_called(asked, version) if len(asked) else frame.head(0)
    if side.kept:
        asked = _with_moments(asked, frame)
    hidden = [] if window is None else [one for one in window.hidden if one in frame.columns]
    frame, asked = frame.drop(columns=hidden), asked.drop(columns=hidden, errors="ignore")
    report = drift.compare_frames(frame, asked, repo.settings.drift)
    notes = tuple(_notes(window, hidden, tally))
    return Checked(version.model, version.number, side, other, span, report, notes)


def moment(text: str, *, now: datetime) -> str:
    """Return a moment as ISO 8601: `text` itself, or so long before `now`.

    Raises:
        RequestError: it is neither.

    >>> moment("36h", now=datetime.fromisoformat("2026-01-31T12:00:00Z"))
    '2026-01-30T00:00:00+00:00'
    """
    ago = _AGO.fullmatch(text.strip())
    if not ago:
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise RequestError(
                f"'{text[:80]}' is not a moment",
                hint="write it as 24h, 7d or 2026-01-31T12:00:00Z",
            ) from error
        return text
    try:
        return (now - timedelta(minutes=int(ago[1]) * _MINUTES[ago[2]])).isoformat()
    except OverflowError as error:
        raise RequestError(f"'{text}' is too long ago") from error


def _only_model(repo: Repository) -> str:
    """Return the one model that has answered, or the one that there is."""
    answered = prediction_log.models(repo)
    found = answered or models.names(repo)
    if len(found) == 1:
        return found[0]
    if not found:
        raise RequestError(
            "there is no model yet, so there is nothing to compare",
            hint="mlo register NAME, or: mlo drift --reference PATH --current PATH",
        )
    raise RequestError(
        f"there are {len(found)} models: {', '.join(found[:5])}", hint=f"mlo drift {found[0]}"
    )


def _notes(window: Window | None, hidden: list[str], tally: Tally) -> Iterator[str]:
    if window is not None and window.sampled:
        yield f"{len(window):,} of the predictions, evenly chosen, stand for all"
    if hidden:
        names = ", ".join(hidden[:5]) + (" and more" if len(hidden) > 5 else "")
        yield f"not compared, since the log does not have the values: {names}"
    if tally.blocks:
        yield str(tally)


def _asked(
    repo: Repository, name: str, span: Span, *, answered: bool
) -> tuple[Version, "pd.DataFrame", Window | None, Tally]:
    """Return the version that `name` means, and the rows that it was asked to predict."""
    import pandas as pd

    tally = Tally()
    if "@" in name or not answered:
        version = models.resolve(repo, name)
        if not answered:
            return version, pd.DataFrame(), None, tally
        window = prediction_log.window(
            repo,
            version.model,
            version_ids={version.id, *version.formerly},
            since=span.since,
            until=span.until,
            last=span.last,
            most=MOST_ROWS,
            tally=tally,
        )
        return version, window.features, window, tally
    newest = models.model(repo, name).newest
    window = prediction_log.window(
        repo, name, since=span.since, until=span.until, most=MOST_ROWS, tally=tally
    )
    if not len(window):
        return newest, window.features, window, tally
    version = models.resolve(repo, f"{name}@{window.versions.iloc[-1]}")
    features = window.features[window.versions.isin([version.id, *version.formerly]).to_numpy()]
    features = features if span.last is None else features.tail(span.last)
    return version, features, window, tally


def _trained_on(repo: Repository, version: Version) -> tuple[Side, "pd.DataFrame"]:
    data = version.data
    if data is None and version.profile is not None:
        kept = profile.decode(repo.objects.get(version.profile))
        where = f"what {version.model} v{version.number} keeps of its training data"
        return Side(where, oid=version.profile, kept=True), profile_rows.rows(kept)
    if data is None or data.kind != "file" or not table.is_table(data.path):
        what = f"{version.model} v{version.number}"
        why = (
            f"it is not known which table {what} was trained on"
            if data is None
            else f"{what} was trained on '{data.path}', which is not a table"
        )
        raise RequestError(
            why,
            hint=f"name one with --reference PATH, or set models.{version.model}.data"
            " in .mlops.yaml and register again",
        )
    frame = table.of_version(repo, data.oid, data.path)
    return Side(data.path, oid=data.oid), frame


def _with_moments(asked: "pd.DataFrame", kept: "pd.DataFrame") -> "pd.DataFrame":
    """Return `asked` with moments, which requests write as text, where `kept` has moments."""
    import pandas as pd

    found = {}
    for name in kept.select_dtypes("datetime").columns.intersection(asked.columns):
        moments = pd.to_datetime(asked[name], utc=True, format="ISO8601", errors="coerce")
        found[name] = moments.dt.tz_localize(None)
    return asked.assign(**found)


def _table(repo: Repository, text: str, start: Path) -> tuple[Side, "pd.DataFrame"]:
    """Return the file at a path if there is one, else the version that the reference means."""
    path = start / text
    if path.is_file():
        return Side(text), table.read(path, text)
    found = reference.resolve(repo, text, start=start)
    if found.kind != "file":
        raise RequestError(f"'{found.path}' is a folder", hint="name a table in it")
    return Side(found.path, found.rev, found.oid), table.of_version(repo, found.oid, found.path)


def _inputs(frame: "pd.DataFrame", version: Version) -> "pd.DataFrame":
    """Return the columns of `frame` that the model takes.

    Raises:
        RequestError: it has none of them.
    """
    frame = _as_called(frame, version)
    if version.signature is None:
        return frame
    known = [name for name in version.signature.names if name in frame.columns]
    if not known:
        raise RequestError(
            f"the reference has no column that {version.model} v{version.number} takes",
            hint="name another table: --reference PATH",
        )
    return frame[known]


def _as_called(frame: "pd.DataFrame", version: Version) -> "pd.DataFrame":
    """Return `frame` without the target, and its columns called as the model calls them."""
    left = frame.drop(columns=[name for name in (version.target,) if name in frame.columns])
    names = list(version.signature.names) if version.signature else []
    if len(names) == left.shape[1] and not left.columns.isin(names).any():
        return left.set_axis(names, axis=1)  # the model was fitted on an array of them
    return left
