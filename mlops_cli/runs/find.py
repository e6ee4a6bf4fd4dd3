"""Which run a text means: an id or its beginning, a key, a name, `last`, or `best:METRIC`."""

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs.finish import reap
from mlops_cli.runs.index import Index, open_index
from mlops_cli.runs.record import Run

MIN_PREFIX = 4
"""Fewer hex digits than this are taken for a name."""


def resolve(repo: Repository, text: str) -> Run:
    """Return the run that `text` means.

    `last` is the run that began last; `best:auc` the one with the highest `auc` among those that
    were done, `best:-rmse` the one with the lowest `rmse`.

    Raises:
        RequestError: no run fits, or several do.
    """
    reap(repo)
    with open_index(repo) as index:
        oid = _best(index, text) if text.startswith("best:") else _named(index, text)
    return Run.read(repo, oid)


def _best(index: Index, text: str) -> ObjectId:
    name = text.removeprefix("best:")
    sign = -1 if name.startswith("-") else 1
    name = name.removeprefix("-")
    row = index.connection.execute(
        "SELECT runs.id FROM metrics JOIN runs ON runs.id = metrics.run "
        "WHERE metrics.name = ? AND abs(metrics.value) < 1e308 AND NOT removed "
        "AND status = 'done' ORDER BY metrics.value * ? DESC, started DESC LIMIT 1",
        (name, sign),
    ).fetchone()
    if row is None:
        raise _no_metric(index, name)
    return ObjectId(row[0])


def _no_metric(index: Index, name: str) -> RequestError:
    from difflib import get_close_matches

    rows = index.connection.execute("SELECT DISTINCT name FROM metrics ORDER BY name LIMIT 200")
    known = [row[0] for row in rows]
    near = get_close_matches(name, known, n=1)
    if near:
        hint = f"did you mean '{near[0]}'?"
    else:
        hint = "metrics known here: " + ", ".join(known[:8]) if known else "mlo runs list"
    return RequestError(f"no run that was done has the metric '{name}'", hint=hint)


def _named(index: Index, text: str) -> ObjectId:
    if text == "last":
        found = index.ids()[:1]
    else:
        found = index.ids("name = ?", [text])
        if not found and _is_prefix(text):
            found = index.ids("key GLOB ? OR id GLOB ?", [f"{text}*", f"{text}*"])
    if not found:
        raise RequestError(f"there is no run '{text}'", hint="see them: mlo runs list")
    if len(found) > 1:
        raise RequestError(
            f"'{text}' may be {len(found)} runs",
            hint="name it by more of its id: " + ", ".join(oid[:10] for oid in found[:4]),
        )
    return found[0]


def _is_prefix(text: str) -> bool:
    return len(text) >= MIN_PREFIX and all(digit in "0123456789abcdef" for digit in text)
