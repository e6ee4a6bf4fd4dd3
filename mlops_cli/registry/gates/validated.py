"""Gates on data: what the version was made from passes its schema."""

from collections.abc import Iterator

from mlops_cli.core.config_gates import ValidatedGate, title
from mlops_cli.data.validation import declared
from mlops_cli.data.validation.schema import Schema
from mlops_cli.data.validation.validate import of_content, validate
from mlops_cli.errors import RequestError
from mlops_cli.registry.gates.asked import Asked, GateResult
from mlops_cli.registry.models import Input


def check(asked: Asked, gate: ValidatedGate) -> list[GateResult]:
    """Return whether each table with a schema that a version was made from passes it.

    Neither the day nor the version before counts, as of the same data the answer is to be the same.

    Raises:
        RequestError: there is no such data, or none has a schema; or a schema is wrong.
        MissingObject: data is not in this store.
    """
    rev = _commit(asked) if gate.schema == "commit" else None
    found = []
    for one, schema in _with_schemas(asked, gate, rev):
        wanted = of_content(one.path, one.oid, one.kind)
        report = validate(asked.repo, wanted, schema, fresh=False)
        name = title(ValidatedGate(gate.schema, one.path))
        hint = None if report.holds else f"mlo validate {one.path}"
        found.append(GateResult(name, report.holds, report.first, hint=hint))
    if not found:
        raise RequestError(
            f"no data that v{asked.version.number} was made from has a schema",
            hint=f"mlo validate {_some(asked)} --infer",
        )
    return found


def _commit(asked: Asked) -> str:
    if asked.version.commit is None:
        raise RequestError(
            f"it is not known at which commit v{asked.version.number} was made",
            hint="ask by the schema of the work tree: validated: now",
        )
    return asked.version.commit


def _with_schemas(
    asked: Asked, gate: ValidatedGate, rev: str | None
) -> Iterator[tuple[Input, Schema]]:
    for one in _inputs(asked, gate):
        schema = declared.schema_of(asked.repo, one.path, rev=rev)
        if schema is not None:
            yield one, schema


def _inputs(asked: Asked, gate: ValidatedGate) -> list[Input]:
    """Return what the version was made from, or the one of it that the gate names."""
    version = asked.version
    own = [] if version.data is None else [version.data]
    every = list({one.path: one for one in (*own, *version.inputs)}.values())
    if gate.data is None:
        return every
    found = [one for one in every if one.path == gate.data]
    if not found:
        raise RequestError(
            f"v{version.number} was not made from '{gate.data}', as far as is known",
            hint="it was from: " + (", ".join(one.path for one in every) or "nothing"),
        )
    return found


def _some(asked: Asked) -> str:
    data = asked.version.data
    return "PATH" if data is None else data.path
