"""What `.mlops.yaml` says of validation, where several of its parts must fit together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mlops_cli.core.config_steps import Step
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.step_reader import Written
from mlops_cli.core.yaml_nodes import Value

if TYPE_CHECKING:
    from mlops_cli.core.config import DataSettings


def of_step(value: Value) -> bool | tuple[str, ...]:
    """Return what of its data a step has validated: all that has a schema, or some paths."""
    if not value.is_list:
        return value.boolean()
    found = tuple(inner.word() for inner in value.each())
    if not found:
        raise value.fail("names nothing", hint="as in validate: [data/raw.csv], or true")
    return found


def check(
    written: Mapping[str, Written], steps: Iterable[Step], data: "Mapping[str, DataSettings]"
) -> None:
    """Refuse a step that has nothing validated, though it says so.

    Raises:
        RequestError: a path has no schema, or the step neither needs nor writes it.
    """
    files = {path: one.schema for path, one in data.items() if one.schema is not None}
    for step in steps:
        if step.validate is False:
            continue
        where = written[step.group or step.name].at("validate")
        own = (*step.deps, *(out.path for out in step.files))
        if any("${" in path for path in own):
            continue
        for path in [] if step.validate is True else step.validate:
            if "${" not in path and path not in set(paths(step, files)):
                there = any(path == one or _holds(one, path) or _holds(path, one) for one in own)
                problem = "has no schema" if there else "is no data that the step needs or writes"
                hint = f"data: {{{path}: {{schema: FILE}}}}" if there else None
                raise where.fail(f"names '{path}', which {problem}", hint=hint)
        if step.validate is True and not any(paths(step, files)):
            if any(is_pattern(path) for path in own):
                continue  # which paths those are, is known when it runs
            raise where.fail(
                "validates nothing: no data that the step needs or writes has a schema",
                hint=f"data: {{{own[0] if own else 'PATH'}: {{schema: FILE}}}}",
            )


def paths(step: Step, files: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths with a schema that a step has validated, of all that it needs or writes."""
    own = (*step.deps, *(out.path for out in step.files))
    yield from dict.fromkeys(one for path in own for one in validated(step, path, files))


def validated(step: Step, path: str, files: Mapping[str, str]) -> Iterator[str]:
    """Yield what a step has validated at a path that it needs or writes.

    That is the path itself, if a schema is for it or for a folder above, else all in it that has
    one.
    """
    if any(one == path or _holds(one, path) for one in files):
        found = [path]
    else:
        found = [one for one in files if _holds(path, one)]
    for one in found:
        if step.validate is True or (step.validate and one in step.validate):
            yield one


def _holds(folder: str, path: str) -> bool:
    return path.startswith(folder + "/")
