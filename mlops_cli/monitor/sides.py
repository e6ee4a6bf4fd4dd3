"""What to compare: the data that a model was trained on, and what it was asked since.

Both are known, so nobody has to say: a version names the table it was fitted on, or keeps what it
was like, and the prediction log has every request. Either can be replaced by a table of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlops_cli.core import scratch
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import parts, prediction_log, table
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.errors import MissingObject, RequestError
from mlops_cli.monitor import given
from mlops_cli.monitor.asked import Answers, Log
from mlops_cli.monitor.distribution import Distribution
from mlops_cli.monitor.given import Given, Side
from mlops_cli.monitor.sources import log
from mlops_cli.monitor.sources.kept import of_profile
from mlops_cli.monitor.span import Span
from mlops_cli.registry import meant, models, profile
from mlops_cli.registry.models import Input, Version

MOST_BYTES = 32 << 20
"""Training data of more bytes are not read again: what the version keeps of them is compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Both sides, with the columns that are compared.

    Attributes:
        version: of the model that is looked at; None where two tables are compared.
        log: what the version answered; None where the current side is a table.
        notes: what else there is to know of the predictions.
    """

    reference: Given
    current: Given
    version: Version | None = None
    log: Log | None = None
    notes: tuple[str, ...] = ()


def choose(
    repo: Repository,
    model: str | None,
    *,
    reference: str | None,
    current: str | None,
    span: Span,
    start: Path,
    approx: bool = False,
    engine: str | None = None,
) -> Sides:
    """Return what is to be compared; arguments as of `live.check`."""
    if current is not None and span != Span():
        raise RequestError(
            "a time or a number of predictions was given, but no predictions are asked for",
            hint="leave out either --current, or --since, --until and --last",
        )
    if model is None and reference is not None and current is not None:
        return Sides(*_both(repo, (reference, current), start, approx=approx, engine=engine))
    name = model if model is not None else _only_model(repo)
    version = _version(repo, name, span, answered=current is None)
    if reference is None:
        before = trained_on(repo, version, approx=approx, engine=engine)
    else:
        before = given.table(repo, reference, start, approx=approx, engine=engine)
    before = before.choosing(_inputs(before.whole.names, version))
    if current is not None:
        now = given.table(repo, current, start, approx=approx, engine=engine)
        return Sides(before, now.choosing(_as_called(now.whole.names, version)), version)
    return _with_log(repo, before, Log(repo, version, span, approx=approx), version)


def files(reference: str, current: str, start: Path, *, approx: bool) -> Sides:
    """Return two files as they are, which need no repository.

    Raises:
        RequestError, ExternalError: as of `given.file`.
    """
    before = given.file(reference, start, approx=approx)
    return Sides(before, given.file(current, start, approx=approx))


def _both(
    repo: Repository, texts: tuple[str, str], start: Path, *, approx: bool, engine: str | None
) -> tuple[Given, Given]:
    """Return two tables; two files of the work tree are read at once."""
    files = engine is None and all((start / text).exists() for text in texts)
    with ThreadPoolExecutor(2 if files else 1) as pool:
        before, now = pool.map(
            lambda text: given.table(repo, text, start, approx=approx, engine=engine), texts
        )
    return before, now


def _version(repo: Repository, name: str, span: Span, *, answered: bool) -> Version:
    """Return the version that `name` means: of a bare name the one that answered last.

    Where nothing was answered, or is not asked for, it is the one in production.
    """
    if "@" in name:
        return models.resolve(repo, name)
    usual = meant.live(repo, name)[0]
    if not answered:
        return models.resolve(repo, usual)
    last = log.last_version(repo, name, since=span.since, until=span.until)
    return models.resolve(repo, usual if last is None else f"{name}@{last}")


def _with_log(repo: Repository, before: Given, asked: Log, version: Version) -> Sides:
    """Return a comparison with the log, without the columns of which it has no values."""
    like = asked.like_moments()
    moments = [
        name
        for name in like
        if name in before.columns and before.table.column(name).kind == "datetime"
    ]
    found = asked.summed(moments)
    hidden = [name for name in found.hidden if name in before.columns]
    before = before.choosing(_without(before.columns, hidden))
    columns = _as_called(found.table.names, version) if found.table.rows else {}
    now = Given(
        Side(None),
        found.table if found.table.rows else _Empty(before.table.names),
        asked.blocks,
        columns or {name: name for name in before.columns},
        moments=True,
        as_text=frozenset(like) - frozenset(moments),
        scratch=scratch.folder(repo.layout),
    )
    notes = tuple(_notes(found, hidden, asked.tally))
    return Sides(before, now.choosing(_without(now.columns, hidden)), version, asked, notes)


class _Empty:
    """A table without a row."""

    rows = 0

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def column(self, name: str) -> Distribution:
        """Return a column without a value."""
        return Distribution("empty", 0)


def _without(columns: Mapping[str, str], hidden: Sequence[str]) -> dict[str, str]:
    return {name: own for name, own in columns.items() if name not in hidden}


def _only_model(repo: Repository) -> str:
    """Return the one model that has answered, or the one that there is."""
    answered = prediction_log.models(repo)
    found = answered or models.names(repo)
    if len(found) == 1:
        return found[0]
    if not found:
        raise RequestError(
            "there is no model yet, so there is nothing to compare",
            hint="mlo register NAME, or: mlo drift REFERENCE CURRENT, two tables",
        )
    raise RequestError(
        f"there are {len(found)} models: {', '.join(found[:5])}", hint=f"mlo drift {found[0]}"
    )


def _notes(found: Answers, hidden: Sequence[str], tally: Tally) -> Iterator[str]:
    if found.sampled:
        yield f"{found.table.rows:,} of the predictions, evenly chosen, stand for all"
    if hidden:
        names = ", ".join(hidden[:5]) + (" and more" if len(hidden) > 5 else "")
        yield f"not compared, since the log does not have the values: {names}"
    if tally.blocks:
        yield str(tally)


def trained_on(
    repo: Repository, version: Version, *, approx: bool = False, engine: str | None = None
) -> Given:
    """Return what a version was trained on, or what it keeps of that where it is not at hand or
    large: a check does not read a large table again and again.

    Raises:
        RequestError: neither is known.
        MissingObject, IntegrityError: as of the object store.
    """
    data = version.data
    files = _files(repo, data)
    if version.profile is not None and not (files and _is_small(repo, files)):
        held = profile.decode(repo.objects.get(version.profile))
        where = f"what {version.model} v{version.number} keeps of its training data"
        whole = of_profile(held)
        columns = len(whole.names)
        read = given.blocks(given.reading(repo, files, columns=columns)) if files else None
        side = Side(where, oid=version.profile, kept=True)
        return Given(side, whole, read, {name: name for name in whole.names})
    if data is None or not files:
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
    return given.version(repo, Side(data.path, oid=data.oid), files, approx=approx, engine=engine)


def _files(repo: Repository, data: Input | None) -> tuple[tuple[str, ObjectId], ...]:
    """Return the files of the table that a version was trained on; none where it is no table."""
    if data is None:
        return ()
    if data.kind == "file":
        return ((data.path, data.oid),) if table.is_table(data.path) else ()
    try:
        return parts.of_folder(repo, data.oid, data.path).files
    except (MissingObject, RequestError):
        return ()


def _is_small(repo: Repository, files: Sequence[tuple[str, ObjectId]]) -> bool:
    """Return whether the training data are in the store, and quick to read."""
    if not all(repo.objects.has(oid) for _, oid in files):
        return False
    return sum(repo.objects.size(oid) for _, oid in files) <= MOST_BYTES


def _inputs(names: Sequence[str], version: Version) -> dict[str, str]:
    """Return the columns that the model takes, and what each is called in a table.

    Raises:
        RequestError: the table has none of them.
    """
    called = _as_called(names, version)
    if version.signature is None:
        return called
    known = {name: called[name] for name in version.signature.names if name in called}
    if not known:
        raise RequestError(
            f"the reference has no column that {version.model} v{version.number} takes",
            hint="name another table: --reference PATH",
        )
    return known


def _as_called(names: Sequence[str], version: Version) -> dict[str, str]:
    """Return all columns but the target as the model calls them, and what each is called."""
    left = [name for name in names if name != version.target]
    wanted = list(version.signature.names) if version.signature else []
    if len(wanted) == len(left) and not set(wanted) & set(left):
        return dict(zip(wanted, left, strict=True))  # the model was fitted on an array of them
    return {name: name for name in left}
