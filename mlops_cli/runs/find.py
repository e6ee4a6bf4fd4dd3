"""Which run a text means: an id or its beginning, a key, a name, `last`, or `best:METRIC`."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.runs import open_run
from mlops_cli.runs.filters import metric_number
from mlops_cli.runs.finish import reap
from mlops_cli.runs.index import Index, open_index
from mlops_cli.runs.names import MIN_PREFIX, REPRODUCES, means
from mlops_cli.runs.order import FINITE
from mlops_cli.runs.record import Run

if TYPE_CHECKING:
    from mlops_cli.core.config_gates import MetricGate

_SHOWN = 8
_NO_COPY = (
    "NOT EXISTS (SELECT 1 FROM told WHERE told.run = runs.n "  # noqa: S608  our own text
    f"AND tags LIKE '%\"{REPRODUCES}%')"
)
OF_ITSELF = f"parent IS NULL AND {_NO_COPY}"
"""What the index is asked for a run that is no part of another, and reproduces none."""
_LOWER = re.compile(
    r"(^|[^a-z])(loss|losses|error|errors|err|rmse|mse|mae|mape|smape|rmsle|msle|logloss|perplexity"
    r"|ppl|brier|ece|nll|wer|cer|fid|deviance|bic|aic|crossentropy|entropy|regret|cost|latency|time"
    r"|seconds|duration)($|[^a-z])"
)


class Direction(NamedTuple):
    """Whether more of a metric is better, and what says so."""

    higher: bool
    why: str


def resolve(repo: Repository, text: str) -> Run:
    """Return the run that `text` means.

    `last` is the run that began last, no part of another; `best:auc` the one with the best `auc`
    among those that were done (see `direction`), `best:+auc` the one with the highest, `best:-auc`
    with the lowest. Neither is a run that was made to reproduce another.

    Raises:
        RequestError: no run fits, or several do.
    """
    reap(repo)
    with open_index(repo) as index:
        oid = _best(repo, index, text) if text.startswith("best:") else _named(index, text)
    if oid is None:
        raise _missing(repo, text)
    return Run.read(repo, oid)


def before(index: Index, run: Run) -> ObjectId | None:
    """Return the run before another: of a part, the part of the same run before it."""
    if run.parent is None:
        return _newest(index, "started < ?", run.started)
    found = index.ids("started < ? AND parent = ?", [run.started, run.parent], limit=1)
    return found[0] if found else None


def meaning(repo: Repository, text: str) -> str | None:
    """Return in words what `best:METRIC` takes for the best; None for any other text."""
    if not text.startswith("best:"):
        return None
    name, better = _asked(repo, text)
    return f"{text}: {'highest' if better.higher else 'lowest'} {name}, {better.why}"


def direction(repo: Repository, metric: str) -> Direction:
    """Return which way a metric is better: as a gate in the settings says, else by its name.

    >>> import types
    >>> repo = types.SimpleNamespace(settings=types.SimpleNamespace(models={}))
    >>> direction(repo, "val.rmse").higher, direction(repo, "auc").higher
    (False, True)
    """
    from mlops_cli.core.config_gates import MetricGate

    gates = (
        gate
        for model in repo.settings.models.values()
        for stage in model.stages.values()
        for gate in stage.gates
        if isinstance(gate, MetricGate) and gate.metric == metric
    )
    said = {_asks_for_more(gate) for gate in gates} - {None}
    if len(said) == 1:
        return Direction(bool(said.pop()), "as a gate in .mlops.yaml says")
    if _LOWER.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", metric).lower()):
        return Direction(higher=False, why=f"going by the name (highest: best:+{metric})")
    return Direction(higher=True, why=f"going by the name (lowest: best:-{metric})")


def _asks_for_more(gate: "MetricGate") -> bool | None:
    """Return whether a gate takes more for better; None where it does not say."""
    if gate.higher_is_better is not None:
        return gate.higher_is_better
    if (gate.min is None) == (gate.max is None):
        return None
    return gate.min is not None


def _asked(repo: Repository, text: str) -> tuple[str, Direction]:
    name = text.removeprefix("best:")
    if name[:1] in ("+", "-"):
        return name[1:], Direction(name[0] == "+", "as asked")
    return name, direction(repo, name)


def _best(repo: Repository, index: Index, text: str) -> ObjectId:
    name, better = _asked(repo, text)
    order = "DESC" if better.higher else "ASC"
    row = index.connection.execute(
        "SELECT runs.id FROM metrics JOIN runs ON runs.n = metrics.run "  # noqa: S608  one of two words
        f"WHERE metrics.name = ? AND value {FINITE} AND NOT removed "
        f"AND status = 'done' AND {_NO_COPY} ORDER BY value {order}, started DESC LIMIT 1",
        (metric_number(index, name),),
    ).fetchone()
    if row is None:
        raise _no_metric(index, name)
    return ObjectId(row[0])


def _no_metric(index: Index, name: str) -> RequestError:
    from difflib import get_close_matches

    known = index.names()[:200]
    if metric_number(index, name) is not None:
        return RequestError(
            f"no run that was done has a finite value of '{name}'",
            hint=f"mlo runs list --sort {name}",
        )
    near = get_close_matches(name, known, n=1)
    if near:
        hint = f"did you mean '{near[0]}'?"
    else:
        hint = "metrics known here: " + ", ".join(known[:8]) if known else "mlo runs list"
    return RequestError(f"no run that was done has the metric '{name}'", hint=hint)


def _missing(repo: Repository, text: str) -> RequestError:
    for run in open_run.each(repo):
        if means(text, run.head.key, run.head.name):
            return RequestError(f"run '{text}' has not ended yet", hint=f"mlo runs plot {text}")
    hint = "see them: mlo runs list"
    if text.endswith((".csv", ".json", ".parquet")):
        hint = f"to write a file: mlo runs export --output {text}"
    else:
        with open_index(repo) as index:
            if metric_number(index, text) is not None:
                hint = f"it is a metric: best:{text}, or mlo runs plot --metric {text}"
    return RequestError(f"there is no run '{text}'", hint=hint)


def _named(index: Index, text: str) -> ObjectId | None:
    if text == "last":
        return _newest(index, "1")
    found = index.ids("name = ?", [text])
    if not found and _is_prefix(text):
        end = text + "g"
        found = index.ids(
            "n IN (SELECT n FROM runs WHERE key >= ? AND key < ? "
            "UNION SELECT n FROM runs WHERE id >= ? AND id < ?)",
            [text, end, text, end],
        )
    if not found:
        _refuse_unreadable(index, text)
        return None
    if len(found) > 1:
        raise RequestError(
            f"'{text}' may be {len(found)} runs:\n" + "\n".join(_told(index, found)),
            hint=f"name it by its key: mlo runs show {_key(index, found[0])}",
        )
    return found[0]


def _refuse_unreadable(index: Index, text: str) -> None:
    """Raise IntegrityError when a text is the beginning of the id of a record that is no good."""
    for _, reason in index.unreadable(text) if _is_prefix(text) else ():
        raise IntegrityError(reason, hint="mlo fsck")


def _newest(index: Index, where: str, *values: object) -> ObjectId | None:
    """Return the newest run that is no part of another and reproduces none; else the newest."""
    for more in (OF_ITSELF, "1"):
        if found := index.ids(f"{where} AND {more}", values, limit=1):
            return found[0]
    return None


def _told(index: Index, found: list[ObjectId]) -> Iterable[str]:
    """Yield a line for each run that a text may mean, not for too many."""
    for oid in found[:_SHOWN]:
        key, name, started, status, command = index.connection.execute(
            "SELECT key, name, started, status, command FROM runs WHERE id = ?", (oid,)
        ).fetchone()
        began = started[:16].replace("T", " ")
        yield f"  {key}  {oid[:10]}  {name}  {began}  {status}  {command[:24]}".rstrip()
    if len(found) > _SHOWN:
        yield f"  and {len(found) - _SHOWN} more"


def _key(index: Index, oid: ObjectId) -> str:
    row = index.connection.execute("SELECT key FROM runs WHERE id = ?", (oid,)).fetchone()
    return str(row[0])


def _is_prefix(text: str) -> bool:
    return len(text) >= MIN_PREFIX and all(digit in "0123456789abcdef" for digit in text)
