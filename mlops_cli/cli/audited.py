"""Which entries of the record are about a thing, by any name that users have for it."""

from collections.abc import Sequence
from pathlib import Path

from mlops_cli.audit.chain import Entry
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, MissingObject, MloError, RequestError


def about(repo: Repository, text: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return those of `entries` that are about `text`.

    It may be a model, which stands for all its versions and batches, one version of it such as
    `churn@v3`, a run by its id, key or name, a batch, a versioned path, or what the record itself
    calls a thing. For a path these are the runs and batches that read or wrote it.

    Raises:
        RequestError: it names nothing that is known here.
    """
    chosen = _model(repo, text, entries)
    if chosen is None:
        chosen = [entry for entry in entries if entry.subject == text] or None
    if chosen is None:
        chosen = _run(repo, text, entries)
    if chosen is None:
        chosen = _path(repo, text, entries)
    if chosen is not None:
        return chosen
    raise RequestError(
        f"nothing about '{text}' among {len(entries)} entries", hint="see them all: mlo audit"
    )


def _model(repo: Repository, text: str, entries: Sequence[Entry]) -> list[Entry] | None:
    from mlops_cli.registry import models

    name, at, _ = text.partition("@")
    if name not in models.names(repo):
        return None
    if not at:
        return [e for e in entries if name in (_of(e)[0], e.subject, e.detail.get("model"))]
    version = models.resolve(repo, text)
    ids = (version.id, *version.formerly)
    return [
        e
        for e in entries
        if _of(e) == (name, str(version.number))
        or (e.detail.get("model") == name and e.detail.get("version") in ids)
    ]


def _of(entry: Entry) -> tuple[str, str]:
    """Return the model and number that an entry about an event is about."""
    if "event" not in entry.detail:
        return "", ""
    name, _, number = entry.subject.rpartition(" v")
    return name, number


def _run(repo: Repository, text: str, entries: Sequence[Entry]) -> list[Entry] | None:
    from mlops_cli.runs import find

    try:
        run = find.resolve(repo, text)
    except RequestError:
        return None
    return [entry for entry in entries if entry.subject == run.key]


def _path(repo: Repository, text: str, entries: Sequence[Entry]) -> list[Entry] | None:
    from mlops_cli.data import paths, reference

    try:
        path = paths.relative(repo, Path.cwd() / text)
    except (RequestError, IntegrityError):
        return None
    found = [
        entry
        for entry in entries
        if path in _touched(repo, entry)
        or text in (entry.detail.get("input"), entry.detail.get("output"))
    ]
    if found:
        return found
    try:
        reference.resolve(repo, text, start=Path.cwd())
    except MissingObject:
        return []
    except MloError:
        return None
    return []


def _touched(repo: Repository, entry: Entry) -> set[str]:
    """Return the paths that the run of an entry read or wrote, as far as its record is here."""
    from mlops_cli.core.ids import ObjectId
    from mlops_cli.runs.record import Run

    if entry.action != "run":
        return set()
    try:
        run = Run.read(repo, ObjectId(str(entry.detail["run"])))
    except (KeyError, MloError):
        return set()
    return {one.path for one in (*run.inputs, *run.outputs)}
