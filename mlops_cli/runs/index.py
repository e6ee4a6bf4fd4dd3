"""An index of the recorded runs in SQLite: a cache that is made again when it is missing.

The runs themselves are objects, and what was said of them later are audit entries. The index knows
which packs it has read, so bringing it up to date costs what is new.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.packs import as_id
from mlops_cli.core.repository import Repository
from mlops_cli.runs import said
from mlops_cli.runs.index_rows import Place, rows, storable
from mlops_cli.runs.names import name_of

VERSION = 3
_TABLES = f"""
CREATE TABLE packs (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE runs (
    n INTEGER PRIMARY KEY, id TEXT, key TEXT, name TEXT, command TEXT, started TEXT, ended TEXT,
    seconds REAL, status TEXT, exit_code INTEGER, parent TEXT, who TEXT, host TEXT, branch TEXT,
    revision TEXT, note TEXT, reproduced INTEGER, removed INTEGER DEFAULT 0
);
CREATE TABLE told (run INTEGER PRIMARY KEY, params TEXT, metrics TEXT, tags TEXT);
CREATE TABLE names (n INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE metrics (name INTEGER, value REAL, run INTEGER);
CREATE TABLE steps (key TEXT, run INTEGER, name TEXT);
CREATE TABLE unreadable (id TEXT PRIMARY KEY, reason TEXT) WITHOUT ROWID;
CREATE TABLE said (
    key TEXT, what TEXT, name TEXT, value TEXT, time TEXT, oid TEXT, PRIMARY KEY (key, what, name)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
_SORTED = """
CREATE UNIQUE INDEX IF NOT EXISTS runs_id ON runs (id);
CREATE INDEX IF NOT EXISTS runs_started ON runs (started);
CREATE INDEX IF NOT EXISTS runs_key ON runs (key);
CREATE INDEX IF NOT EXISTS runs_name ON runs (name);
CREATE INDEX IF NOT EXISTS runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS metrics_name ON metrics (name, value, run);
CREATE INDEX IF NOT EXISTS steps_key ON steps (key, run);
"""
_COLUMNS = (
    "id, key, name, command, started, ended, seconds, status, exit_code, parent, who, host, "
    "branch, revision, note"
)


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
        found = self.connection.execute(
            f"SELECT id FROM runs WHERE NOT removed AND ({where}) "  # noqa: S608  our own text
            "ORDER BY started DESC, id LIMIT ?",
            (*values, limit),
        )
        return [ObjectId(row[0]) for row in found]

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
        found = self.connection.execute(
            "SELECT DISTINCT id, started FROM steps JOIN runs ON runs.n = steps.run "
            "WHERE steps.key = ? AND NOT removed ORDER BY started DESC",
            (step_key,),
        )
        return [ObjectId(row[0]) for row in found]

    def unreadable(self, start: str = "") -> list[tuple[str, str]]:
        """Return the ids of records that could not be read, each with the reason.

        Only those whose ids begin with `start`, hex digits; one that is readable by now, as from
        another clone, is none.
        """
        found = self.connection.execute(
            "SELECT id, reason FROM unreadable WHERE id >= ? AND id < ? "
            "AND id NOT IN (SELECT id FROM runs) ORDER BY id",
            (start, start + "g"),
        )
        return [(str(oid), str(reason)) for oid, reason in found]

    def names(self) -> list[str]:
        """Return the names of all metrics, sorted."""
        return [str(row[0]) for row in self.connection.execute("SELECT name FROM names ORDER BY 1")]


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


def removed_keys(repo: Repository) -> set[str]:
    """Return the keys of the runs that were taken off the list."""
    with open_index(repo) as index:
        found = index.connection.execute("SELECT key FROM runs WHERE removed")
        return {str(row[0]) for row in found}


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
        connection.execute("PRAGMA journal_mode = TRUNCATE")  # quicker than a new file each time
        connection.execute("PRAGMA mmap_size = 1073741824")
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
        _execute(connection, _TABLES)
    connection.execute("COMMIT")


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(statement)


def _update(repo: Repository, connection: sqlite3.Connection) -> None:
    repo.objects.refresh()
    names = repo.objects.indexes().keys()
    if names == _read_packs(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = _read_packs(connection)
        _take_in(repo, connection, _unread(repo, connection, names - known))
        connection.executemany(
            "DELETE FROM packs WHERE name = ?", [(name,) for name in known - names]
        )
        connection.executemany("INSERT INTO packs VALUES (?)", [(name,) for name in names - known])
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _read_packs(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM packs")}


def _unread(repo: Repository, connection: sqlite3.Connection, fresh: set[str]) -> list[Place]:
    """Return where runs and audit entries are that the index has not read; each once."""
    indexes = repo.objects.indexes()
    places: dict[bytes, Place] = {}
    for name in fresh:
        index = indexes[name]
        for kind in (Kind.RUN, Kind.AUDIT):
            places.update((index.key(at), (name, at)) for at in index.of_kind(kind))
    if connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None:
        return list(places.values())
    return [
        place
        for key, place in places.items()
        if not connection.execute("SELECT 1 FROM runs WHERE id = ?", (as_id(key),)).fetchone()
    ]


def _take_in(repo: Repository, connection: sqlite3.Connection, places: Sequence[Place]) -> None:
    """Read the objects at these places into the tables; what sorts them is made afterwards."""
    (last,) = connection.execute("SELECT coalesce(max(n), 0) FROM runs").fetchone()
    keys: set[str] = set()
    for part in rows(repo, places):
        (start,) = connection.execute("SELECT coalesce(max(n), 0) FROM runs").fetchone()
        numbers = {row[0]: n for n, row in enumerate(part.runs, start + 1)}
        connection.executemany(
            f"INSERT INTO runs (n, {_COLUMNS}) VALUES ({'?, ' * 15}?)",  # noqa: S608  our own text
            [(numbers[row[0]], *row[:15]) for row in part.runs],
        )
        connection.executemany(
            "INSERT INTO told VALUES (?, ?, ?, ?)",
            [(numbers[row[0]], *row[15:]) for row in part.runs],
        )
        connection.executemany(
            "INSERT INTO steps VALUES (?, ?, ?)",
            [(key, numbers[oid], name) for key, oid, name in part.steps],
        )
        connection.executemany(
            "INSERT INTO said VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
            "SET value = excluded.value, time = excluded.time, oid = excluded.oid "
            "WHERE (excluded.time, excluded.oid) > (time, oid)",
            part.said,
        )
        connection.executemany("INSERT OR REPLACE INTO unreadable VALUES (?, ?)", part.unreadable)
        keys.update(row[0] for row in part.said)
    _tabulate_metrics(connection, last)
    _execute(connection, _SORTED)
    _apply(connection, last, keys)


def _tabulate_metrics(connection: sqlite3.Connection, last: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO names (name) SELECT DISTINCT one.key "
        "FROM told, json_each(told.metrics) AS one WHERE told.run > ?",
        (last,),
    )
    connection.execute(
        "INSERT INTO metrics SELECT names.n, CASE one.value WHEN 'nan' THEN NULL "
        "WHEN 'inf' THEN 9e999 WHEN '-inf' THEN -9e999 ELSE one.value END, told.run "
        "FROM told, json_each(told.metrics) AS one JOIN names ON names.name = one.key "
        "WHERE told.run > ?",
        (last,),
    )


def _apply(connection: sqlite3.Connection, last: int, keys: set[str]) -> None:
    """Make runs that were added or spoken of show what was said of them."""
    found = connection.execute(
        "SELECT DISTINCT said.key FROM said JOIN runs USING (key) WHERE n > ?", (last,)
    )
    for key in keys.union(row[0] for row in found):
        told = connection.execute(
            "SELECT what, name, value FROM said WHERE key = ? ORDER BY name", (key,)
        ).fetchall()
        for (run,) in connection.execute("SELECT n FROM runs WHERE key = ?", (key,)).fetchall():
            _say(connection, run, told)


_SET = {
    said.NOTE: "UPDATE runs SET note = ? WHERE n = ?",
    said.REMOVAL: "UPDATE runs SET removed = ? WHERE n = ?",
    said.REPRODUCTION: "UPDATE runs SET reproduced = ? WHERE n = ?",
}


def _say(connection: sqlite3.Connection, run: int, told: Sequence[tuple[str, str, str]]) -> None:
    (held,) = connection.execute("SELECT tags FROM told WHERE run = ?", (run,)).fetchone()
    tags: dict[str, Any] = json.loads(held)
    for what, name, text in told:
        value = json.loads(text)
        if what in _SET:
            connection.execute(_SET[what], (storable(value), run))
        elif value is None:
            tags.pop(name, None)
        else:
            tags[name] = value
    connection.execute("UPDATE told SET tags = ? WHERE run = ?", (json.dumps(tags), run))
