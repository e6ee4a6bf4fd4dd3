"""An index of the recorded runs in SQLite: a cache that is made again when it is missing.

The runs themselves are objects. The index knows which packs it has read, so bringing it up to
date costs what is new.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mlops_cli.core import journal
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.packs import as_id
from mlops_cli.core.repository import Repository
from mlops_cli.runs.metrics import real
from mlops_cli.runs.names import name_of
from mlops_cli.runs.record import Run

VERSION = 1
_TABLES = f"""
CREATE TABLE packs (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE runs (
    id TEXT PRIMARY KEY, key TEXT, name TEXT, command TEXT, started TEXT, ended TEXT,
    seconds REAL, status TEXT, exit_code INTEGER, removed INTEGER
) WITHOUT ROWID;
CREATE INDEX runs_started ON runs (started);
CREATE INDEX runs_key ON runs (key);
CREATE INDEX runs_name ON runs (name);
CREATE TABLE metrics (run TEXT, name TEXT, value REAL, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE INDEX metrics_name ON metrics (name, value);
CREATE TABLE params (run TEXT, name TEXT, value TEXT, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE steps (key TEXT, started TEXT, run TEXT, name TEXT, PRIMARY KEY (key, started, run))
    WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


class Index:
    """An open index, up to date with the store when it was opened."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def ids(
        self, where: str = "1", values: Sequence[object] = (), *, limit: int = -1
    ) -> list[ObjectId]:
        """Return the ids of the runs that a condition on `runs` holds for, newest first.

        At most `limit` of them; -1 for all.
        """
        rows = self.connection.execute(
            f"SELECT id FROM runs WHERE NOT removed AND ({where}) "  # noqa: S608  our own text
            "ORDER BY started DESC, id LIMIT ?",
            (*values, limit),
        )
        return [ObjectId(row[0]) for row in rows]

    def with_key(self, key: str) -> ObjectId | None:
        """Return the run with this key, removed or not, or None."""
        row = self.connection.execute("SELECT id FROM runs WHERE key = ?", (key,)).fetchone()
        return None if row is None else ObjectId(row[0])

    def name_of(self, key: str) -> str:
        """Return the name of the run with this key; of one that is not here, its two words."""
        row = self.connection.execute("SELECT name FROM runs WHERE key = ?", (key,)).fetchone()
        return name_of(key) if row is None else str(row[0])

    def produced(self, step_key: ObjectId) -> list[ObjectId]:
        """Return the runs in which a step with this key produced its outputs, newest first."""
        rows = self.connection.execute(
            "SELECT run FROM steps JOIN runs ON runs.id = steps.run "
            "WHERE steps.key = ? AND NOT removed ORDER BY steps.started DESC",
            (step_key,),
        )
        return [ObjectId(row[0]) for row in rows]


@contextmanager
def open_index(repo: Repository) -> Iterator[Index]:
    """Open the index for a `with` block; a damaged one is made again.

    Where the disk is full or read-only it is made in memory, since it holds nothing of its own.
    """
    try:
        connection = _connect(repo, repo.layout.database)
    except sqlite3.DatabaseError:
        connection = _made_again(repo, repo.layout.database)
    with closing(connection):
        yield Index(connection)


def _made_again(repo: Repository, path: Path) -> sqlite3.Connection:
    try:
        for file in (path, *path.parent.glob(path.name + "-*")):
            file.unlink(missing_ok=True)
        return _connect(repo, path)
    except (OSError, sqlite3.DatabaseError):
        return _connect(repo, ":memory:")


def _connect(repo: Repository, path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = OFF")
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            _make(connection)
        _update(repo, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            connection.execute(f"DROP TABLE {name}")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
    connection.execute("COMMIT")


def _update(repo: Repository, connection: sqlite3.Connection) -> None:
    repo.objects.refresh()
    indexes = repo.objects.indexes()
    known = {row[0] for row in connection.execute("SELECT name FROM packs")}
    fresh = [name for name in indexes if name not in known]
    removed = removed_keys(repo)
    hidden = {row[0] for row in connection.execute("SELECT key FROM runs WHERE removed")}
    if not fresh and known <= indexes.keys() and removed == hidden:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name in fresh:
            for at in indexes[name].of_kind(Kind.RUN):
                _insert(repo, connection, as_id(indexes[name].key(at)))
        gone = [(name,) for name in known - indexes.keys()]
        connection.executemany("DELETE FROM packs WHERE name = ?", gone)
        connection.executemany(
            "INSERT OR IGNORE INTO packs VALUES (?)", [(name,) for name in fresh]
        )
        connection.execute("UPDATE runs SET removed = 0 WHERE removed")
        connection.executemany(
            "UPDATE runs SET removed = 1 WHERE key = ?", [(key,) for key in removed]
        )
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _insert(repo: Repository, connection: sqlite3.Connection, oid: ObjectId) -> None:
    if connection.execute("SELECT 1 FROM runs WHERE id = ?", (oid,)).fetchone():
        return
    run = Run.read(repo, oid)
    command = run.command if isinstance(run.command, str) else " ".join(run.command)
    row = (run.key, run.name, command, run.started, run.ended, run.seconds, run.status)
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", (oid, *row, run.exit_code)
    )
    connection.executemany(
        "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)",
        [(oid, name, real(value)) for name, value in run.metrics.items()],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO params VALUES (?, ?, ?)",
        [(oid, name, json.dumps(value)) for name, value in run.params.items()],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)",
        [(step.key, run.started, oid, step.name) for step in run.steps if step.state == "ran"],
    )


def removed_path(repo: Repository) -> Path:
    """Return the journal of removed runs."""
    return repo.layout.removed


def removed_keys(repo: Repository) -> set[str]:
    """Return the keys of the runs that were removed in this clone."""
    return {str(line["key"]) for line in journal.read(removed_path(repo)) if "key" in line}
