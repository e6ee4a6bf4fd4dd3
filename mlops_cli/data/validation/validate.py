"""Whether versions of data pass their schemas; a verdict on the same content is not made again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlops_cli.core import scratch as scratch_files
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import SILENT, Progress
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.repository import Repository
from mlops_cli.data import parts, paths, reference, snapshot
from mlops_cli.data.parts import Part
from mlops_cli.data.snapshot import ObjectKind
from mlops_cli.data.validation import declared, verdicts
from mlops_cli.data.validation.report import Failure, ValidationReport
from mlops_cli.data.validation.schema import Schema
from mlops_cli.errors import MissingObject, RequestError, StateError

if TYPE_CHECKING:
    from mlops_cli.data.validation.scan import Plan, Scan

EXAMPLES = 5
"""So many of the first rows that fail are told."""


@dataclass(frozen=True, slots=True)
class Target:
    """Data to be validated.

    Attributes:
        name: what the user calls it.
        path: what the project calls it; None for a file of elsewhere.
        here: where its bytes are, if not in the store only.
        parts: the files that a pattern names here, and `files` those of a version.
    """

    name: str
    path: str | None
    content: ObjectId | None
    kind: ObjectKind
    here: Path | None
    parts: tuple[Part, ...] = ()
    files: tuple[tuple[str, ObjectId], ...] = ()

    @property
    def file(self) -> str:
        """The name whose ending tells the kind of table."""
        return self.path or self.name


def target(repo: Repository, text: str, *, start: Path | None = None) -> Target:
    """Return what `PATH` stands for in the work tree, or `PATH@REV` in the store.

    A pattern stands for all files that match; of their verdict nothing is kept.

    Raises:
        RequestError: there is nothing by that name.
        MissingObject: that version is not in this store.
    """
    base = repo.root if start is None else start
    typed = base / text
    if typed.exists():
        try:
            path = paths.relative(repo, typed)
        except RequestError:  # elsewhere: nothing is known of it
            return Target(text, None, None, "folder" if typed.is_dir() else "file", typed)
        found = snapshot.take(repo, typed)
        return Target(text, path, found.oid, found.kind, typed)
    if is_pattern(text):
        return _of_pattern(repo, text, base)
    version = reference.resolve(repo, text, start=start)
    return Target(text, version.path, version.oid, version.kind, None)


def _of_pattern(repo: Repository, text: str, base: Path) -> Target:
    here = parts.here(base, text)
    if here is None:
        version = parts.version(repo, text, start=base)
        return Target(text, version.path, None, "folder", None, files=version.files)
    try:
        path: str | None = paths.relative(repo, base / text)
    except RequestError:  # elsewhere
        path = None
    return Target(text, path, None, "folder", None, parts=here)


def of_content(path: str, content: ObjectId, kind: ObjectKind) -> Target:
    """Return a version that is in the store, of data that the project calls `path`."""
    return Target(path, path, content, kind, None)


def validate(
    repo: Repository,
    wanted: Target | str,
    schema: Schema | None = None,
    *,
    now: datetime | None = None,
    fresh: bool = True,
    cached: bool = True,
    watched: bool = True,
    progress: Progress = SILENT,
) -> ValidationReport:
    """Return whether data passes a schema, by default the one that is declared for its path.

    Args:
        repo: the project.
        wanted: the data, or what `target` takes.
        schema: what it is to be like; None: what the settings say.
        now: what freshness is told by; None: now.
        fresh: whether to ask for freshness, and for the change of rows.
        cached: whether a verdict on the same content may be taken.
        progress: told of rows as they are read.
        watched: whether a file of the work tree is looked at once more, for it may have changed.

    Raises:
        RequestError: there is no such data, it is no table, or no schema is declared for it.
        MissingObject: the version is not in this store.
    """
    one = target(repo, wanted) if isinstance(wanted, str) else wanted
    if schema is None:
        schema = _declared(repo, one)
    known = None
    if one.content is not None and cached:
        known = verdicts.look_up(repo, one.content, one.file, schema.id)
    work = _Work(repo, one, schema, watched=watched, progress=progress)
    return work.report(known, now=now or datetime.now(UTC), fresh=fresh)


def known(repo: Repository, path: str) -> ValidationReport | None:
    """Return what is known of data in the work tree by its schema, without reading it; or None.

    What hangs on the day and on the version before is left out.
    """
    here = paths.locate(repo, path)
    schema = declared.schema_of(repo, path)
    if schema is None or not here.exists():
        return None
    one = target(repo, path)
    assert one.content is not None
    found = verdicts.look_up(repo, one.content, one.file, schema.id)
    if found is None:
        return None
    return _Work(repo, one, schema).report(found, now=datetime.now(UTC), fresh=False)


def _declared(repo: Repository, one: Target) -> Schema:
    found = None if one.path is None else declared.schema_of(repo, one.path)
    if found is None:
        raise RequestError(
            f"no schema is declared for '{one.name}'",
            hint=f"have one made of it: mlo validate {one.name} --infer",
        )
    return found


class _Work:
    """One table and its schema."""

    def __init__(
        self,
        repo: Repository,
        one: Target,
        schema: Schema,
        *,
        watched: bool = True,
        progress: Progress = SILENT,
    ) -> None:
        self._watched = watched
        self._progress = progress
        self._repo = repo
        self._one = one
        self._schema = schema

    def report(self, known: "Scan | None", *, now: datetime, fresh: bool) -> ValidationReport:
        """Return the report, from what is known of this content or by reading it."""
        from mlops_cli.data.validation.judge import judge
        from mlops_cli.data.validation.scan import Plan

        plan = Plan(self._schema)
        found = self._scan(plan) if known is None else known
        before, lost = self._before(fresh=fresh)
        report = judge(
            plan,
            found if fresh else replace(found, newest={}),
            name=self._one.name,
            now=now.timestamp(),
            before=before,
            content=self._one.content,
            cached=known is not None,
        )
        return report if lost is None else replace(report, failures=(*report.failures, lost))

    def _scan(self, plan: "Plan") -> "Scan":
        from mlops_cli.data.validation.scan import scan, with_lines
        from mlops_cli.data.validation.tables import Tables

        one = self._one
        task = self._progress.task(f"validate {one.name}", None, "rows")
        with opened(self._repo, one) as (path, files), task as advance:
            tables = Tables(path, one.file, plan.as_text, advance=advance, parts=files)
            list(tables.files())  # what is no table at all is refused, not reported
            found = scan(
                plan, tables, scratch=scratch_files.folder(self._repo.layout), examples=EXAMPLES
            )
            if found.broken is None:
                found = with_lines(found, tables.lines)
        if one.content is not None and found.broken is None:
            self._check_unchanged()
            verdicts.keep(self._repo, one.content, one.file, plan.schema.id, found)
            verdicts.keep_rows(self._repo, one.content, one.file, found.rows)
        return found

    def _check_unchanged(self) -> None:
        one = self._one
        if not self._watched or one.here is None:
            return
        if snapshot.take(self._repo, one.here).oid != one.content:
            raise StateError(f"'{one.name}' changed while it was read", hint="try again")

    def _before(self, *, fresh: bool) -> tuple[int | None, Failure | None]:
        """Return the rows of the version before, or why they are not known."""
        asked = self._schema.rows
        if asked.max_change is None or not fresh or self._one.path is None:
            return None, None
        former = _former(self._repo, self._one.path, self._one.content)
        if former is None:
            return None, None
        try:
            return _rows(self._repo, former), None
        except (MissingObject, RequestError) as error:
            problem = f"cannot be compared with the version before: {error.message}"
            return None, Failure("change", None, "the version before", problem, "warn")


def _former(repo: Repository, path: str, content: ObjectId | None) -> Target | None:
    """Return the last committed version of a path that is not this one, or came before it."""
    from mlops_cli.data import history

    try:
        versions = [one for one in history.versions(repo, path) if one.commit and one.oid]
    except RequestError:  # it never was versioned
        return None
    oids = [one.oid for one in versions]
    start = oids.index(content) + 1 if content in oids else 0
    for one in versions[start:]:
        if one.oid is not None and one.oid != content:
            kind: ObjectKind = "folder" if _is_folder(repo, one.oid) else "file"
            return Target(path, path, one.oid, kind, None)
    return None


def _is_folder(repo: Repository, oid: ObjectId) -> bool:
    from mlops_cli.core.objects import Kind

    return repo.objects.has(oid) and repo.objects.kind(oid) is Kind.TREE


def _rows(repo: Repository, one: Target) -> int:
    from mlops_cli.data.validation import tables

    assert one.content is not None
    known = verdicts.rows_of(repo, one.content, one.name)
    if known is not None:
        return known
    with opened(repo, one) as (path, files):
        rows = tables.count(tables.Tables(path, one.file, parts=files))
    verdicts.keep_rows(repo, one.content, one.file, rows)
    return rows


@contextmanager
def opened(repo: Repository, one: Target) -> Iterator[tuple[Path, tuple[Part, ...]]]:
    """Yield where the bytes of data are, for as long as it is open; of a pattern each file."""
    if one.here is not None or one.parts:
        yield one.here or repo.root, one.parts
        return
    from mlops_cli.data.restore import write_out

    with TemporaryDirectory(dir=scratch_files.folder(repo.layout), prefix="validate-") as folder:
        path = Path(folder) / "table"
        held: list[Part] = []
        for number, (name, oid) in enumerate(one.files):
            held.append(Part(name, Path(folder) / str(number)))
            write_out(repo, oid, "file", held[-1].path)
        if one.content is not None:
            write_out(repo, one.content, one.kind, path)
        yield path, tuple(held)
