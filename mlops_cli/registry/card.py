"""Model cards: Markdown for people, filled from what is known and edited where it is not.

What is between `<!-- mlo:NAME -->` and `<!-- /mlo -->` is written anew each time a card is shown,
so that it tells of later evaluations too. All else is as somebody left it. A card begins as those
of Hugging Face do, with YAML that says licence and task.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, short
from mlops_cli.core.repository import Repository
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry import card_metrics, events, example, models, profile
from mlops_cli.registry.evaluation import record
from mlops_cli.registry.models import Model, Version
from mlops_cli.registry.signature import Column, listed
from mlops_cli.runs.record import Run

MOST_BYTES = 1024 * 1024
_MOST_COLUMNS = 60
_MOST_PARAMETERS = 100
_BLOCK = re.compile(r"<!-- mlo:(\w+) -->\n.*?<!-- /mlo -->", re.DOTALL)
_TASKS = {"classification": "tabular-classification", "regression": "tabular-regression"}
_TO_FILL_IN = (
    ("Intended use", "What it is for, who uses it, and what it must not be used for."),
    ("Limits", "Where it is known to be wrong, and for whom; what it was never tried on."),
    ("Ethics and privacy", "Who may be harmed by a wrong answer; personal data among its inputs."),
)


def first(repo: Repository, version: Version) -> str:
    """Return the card that a version begins with; `version` need not be in its chain yet."""
    parts = [
        _front(version),
        f"# {version.model} v{version.number}\n\n{version.description or _blank('What it is.')}",
        *(f"## {title}\n\n{_blank(asked)}" for title, asked in _TO_FILL_IN),
        "## What it is\n\n" + _facts(_model(version)),
        "## What it takes\n\n" + _columns(repo, version),
        "## Data\n\n" + _data(repo, version),
        "## Parameters\n\n" + _parameters(_run(repo, version)),
        "## Metrics\n\n" + _block("metrics", card_metrics.markdown(version, ())),
        "## Where it came from\n\n" + _facts(_origin(repo, version)),
        "## How to use it\n\n" + _use(repo, version),
    ]
    return "\n\n".join(parts) + "\n"


def read(repo: Repository, version: Version) -> str:
    """Return a version's card with what is known of it by now.

    A version from before there were cards gets the one it would have begun with.

    Raises:
        MissingObject, IntegrityError: as of the object store.
    """
    text = (
        first(repo, version)
        if version.card is None
        else repo.objects.get(version.card).decode("utf-8", "surrogateescape")
    )
    return _fresh(text, models.model(repo, version.model), version)


def edit(repo: Repository, reference: str, text: str, *, reason: str | None = None) -> Version:
    """Make `text` the card of a version, on record, and return the version as it is then.

    Raises:
        RequestError: there is no such version, or the text is empty, or too long for a card.
    """
    data = text.encode("utf-8", "surrogateescape")
    if not text.strip():
        raise RequestError("a card cannot be empty")
    if len(data) > MOST_BYTES:
        raise RequestError(f"a card has at most {MOST_BYTES:,} bytes, not {len(data):,}")
    with repo.writing(), repo.lock("edit a card"):
        version = models.resolve(repo, reference)
        oid = repo.objects.put(data)
        if oid != version.card:
            detail = {"card": oid, "previous": version.card, "reason": reason}
            events.append(repo, version.model, "describe", version.number, detail)
        return models.model(repo, version.model).version(version.number)


def bare(text: str) -> str:
    """Return a card without the marks around what is written anew."""
    return re.sub(r"<!-- (?:mlo:\w+|/mlo) -->\n?", "", text)


def _fresh(text: str, model: Model, version: Version) -> str:
    writers: Mapping[str, Callable[[], str]] = {
        "metrics": lambda: card_metrics.markdown(version, record.of_version(model, version))
    }

    def written(found: "re.Match[str]") -> str:
        writer = writers.get(found[1])
        return found[0] if writer is None else _block(found[1], writer())

    return _BLOCK.sub(written, text)


def _block(name: str, text: str) -> str:
    return f"<!-- mlo:{name} -->\n{text}\n<!-- /mlo -->"


def _front(version: Version) -> str:
    """Return the head in YAML, as sites that show models read it; JSON texts are YAML too."""
    told = {
        "license": version.licence,
        "library_name": (version.model_type or "").partition(".")[0] or None,
        "pipeline_tag": _TASKS.get(version.task),
    }
    lines = [f"{name}: {_quoted(value)}" for name, value in told.items() if value]
    return "\n".join(["---", *lines, "tags:", "- mlo", "---"])


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[A-Za-z][\w.+-]*", value) else canonical.encode(value).decode()


def _blank(asked: str) -> str:
    return f"*To fill in: {asked}*"


def _model(version: Version) -> Iterator[tuple[str, str]]:
    yield "type", version.model_type or "not known"
    yield "task", version.task
    if version.target:
        yield "predicts", version.target
    if version.classes:
        yield "classes", ", ".join(map(str, version.classes))
    yield "format", f"{version.format}, {version.size:,} bytes"
    vouched = f"somebody vouched for {', '.join(version.trusted_types) or 'code in it'}"
    yield "code", vouched if version.trusted else "it runs none"
    yield "registered", f"{version.time[:19]}Z by {version.who.get('name', '')}"
    if version.licence:
        yield "licence", version.licence


def _columns(repo: Repository, version: Version) -> str:
    if version.signature is None:
        return "It is not known which columns it takes."
    seen = _profile(repo, version)
    rows = []
    for column in version.signature.columns[:_MOST_COLUMNS]:
        one = seen.column(column.name) if seen else None
        missing = f"{one.nulls:,}" if one else ("some" if column.nullable else "")
        mean = "" if one is None or one.mean is None else f"{one.mean:.4g} ± {one.std or 0:.4g}"
        rows.append([column.name, column.kind, _values(column), mean, missing])
    shown = card_metrics.table(["column", "kind", "values", "mean", "missing"], rows)
    left = len(version.signature.columns) - _MOST_COLUMNS
    return shown + (f"\n\nand {left:,} more columns" if left > 0 else "")


def _values(column: Column) -> str:
    if column.categories is not None:
        return listed(column.categories, 6)
    if column.minimum is None or column.maximum is None:
        return ""
    return f"{_short(column.minimum)} to {_short(column.maximum)}"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _data(repo: Repository, version: Version) -> str:
    if version.data is None and not version.inputs:
        return "It is not known which data it was fitted on."
    seen = _profile(repo, version)
    lines = []
    if version.data is not None:
        rows = f", {seen.rows:,} rows" if seen else ""
        lines.append(f"- fitted on `{version.data.path}`, version `{version.data.oid[:16]}`{rows}")
    others = [one for one in version.inputs if version.data is None or one.oid != version.data.oid]
    lines += [f"- its run read `{one.path}`, version `{one.oid[:16]}`" for one in others]
    return "\n".join(lines)


def _profile(repo: Repository, version: Version) -> profile.Profile | None:
    if version.profile is None or not repo.objects.has(version.profile):
        return None
    return profile.decode(repo.objects.get(version.profile))


def _parameters(run: Run | None) -> str:
    if run is None or not run.params:
        return "None were recorded."
    rows = [[name, _param(value)] for name, value in sorted(run.params.items())]
    left = len(rows) - _MOST_PARAMETERS
    more = f"\n\nand {left:,} more" if left > 0 else ""
    return card_metrics.table(["parameter", "value"], rows[:_MOST_PARAMETERS]) + more


def _param(value: Any) -> str:
    text = value if isinstance(value, str) else canonical.encode(value).decode("utf-8", "replace")
    return text if len(text) <= 100 else text[:97] + "..."


def _origin(repo: Repository, version: Version) -> Iterator[tuple[str, str]]:
    run = _run(repo, version)
    if run is None:
        yield "run", "outside any run" if version.run is None else version.run[:16]
    else:
        command = run.command if isinstance(run.command, str) else " ".join(run.command)
        yield "run", f"{run.name} ({short(run.id)}), {run.started[:19]}Z"
        yield "command", command
    if version.commit:
        yield "commit", version.commit
    environment = _environment(repo, version.environment)
    if environment.get("python"):
        yield "Python", str(environment["python"])
    told = [environment.get(name) for name in ("distribution", "machine", "cpu")]
    if any(told):
        yield "machine", ", ".join(str(one) for one in told if one)
    for name, number in version.libraries.items():
        licence = version.licences.get(name)
        yield name, number + (f" ({licence})" if licence else "")


def _environment(repo: Repository, oid: ObjectId | None) -> dict[str, Any]:
    if oid is None or not repo.objects.has(oid):
        return {}
    held = canonical.decode(repo.objects.get(oid))
    return held if isinstance(held, dict) else {}


def _run(repo: Repository, version: Version) -> Run | None:
    try:
        return None if version.run is None else Run.read(repo, version.run)
    except MloError:
        return None


def _use(repo: Repository, version: Version) -> str:
    reference = f"{version.model}@v{version.number}"
    body = '{"rows": [...]}'
    if version.example is not None and repo.objects.has(version.example):
        rows = example.decode(repo.objects.get(version.example)).records()[:1]
        body = canonical.encode({"rows": rows}).decode("utf-8", "replace").replace("'", "\\u0027")
    lines = [
        "```sh",
        f"mlo serve {reference}",
        f"curl localhost:8000/predict -H 'content-type: application/json' -d '{body}'",
        f"mlo predict {reference} IN.csv OUT.csv",
        "```",
    ]
    return "\n".join(lines)


def _facts(facts: Iterator[tuple[str, str]]) -> str:
    rows: Sequence[Sequence[str]] = [list(one) for one in facts]
    return card_metrics.table(["", ""], rows)
