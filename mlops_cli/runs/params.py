"""Parameters of a run: those of the settings, with some replaced for this run only."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core import filling
from mlops_cli.core.filling import MISSING, look_up
from mlops_cli.errors import RequestError

_LINE = re.compile(r"^:\d+: ")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")


def override(
    params: Mapping[str, Any], assignments: Sequence[str], *, where: str = "--set"
) -> dict[str, Any]:
    """Return `params` with each `name=value` put in its place; values are read as YAML.

    A project that has no parameters at all takes any name.

    Raises:
        RequestError: an assignment has no `=`, its name is no parameter, or its value no YAML.
    """
    changed = _copy(params)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise RequestError(f"'{assignment}' is not name=value", hint=f"{where} train.depth=3")
        _put(changed, name, _value(name, text, where), declared=bool(params))
    return changed


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `flatten` gave `flat` for.

    >>> nest({"train.depth": 5, "seed": 7})
    {'train': {'depth': 5}, 'seed': 7}
    """
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = name.split(".")
        here = nested
        for part in folders:
            here = here.setdefault(part, {})
        here[last] = value
    return nested


def flatten(params: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested parameters by dotted name; lists stay whole.

    >>> flatten({"train": {"depth": 5}, "seed": 7})
    {'train.depth': 5, 'seed': 7}
    """
    found: dict[str, Any] = {}
    for key, value in params.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping) and value:
            found.update(flatten(value, name))
        else:
            found[name] = value
    return found


def pick(params: Mapping[str, Any], names: Sequence[str], *, step: str) -> dict[str, Any]:
    """Return the parameters that a step declares, by dotted name; a mapping stands for all in it.

    Raises:
        RequestError: one of them is not there.
    """
    picked: dict[str, Any] = {}
    for name in names:
        value = look_up(params, name)
        if value is MISSING:
            raise _unknown(
                f"step '{step}' needs the parameter '{name}', which is not there", name, params
            )
        picked.update(flatten({name: value}))
    return picked


def fill(
    command: str | tuple[str, ...], params: Mapping[str, Any], *, step: str
) -> str | tuple[str, ...]:
    """Return a command with each `${name}` replaced by the parameter's value.

    In a shell line the value is quoted for the shell. `$${name}` stands for `${name}` itself.

    Raises:
        RequestError: there is no such parameter, or it is a mapping.

    >>> fill("fit --depth ${depth} $${HOME}", {"depth": 3}, step="train")
    'fit --depth 3 ${HOME}'
    """
    if isinstance(command, str):
        return _fill(command, params, step, shlex.quote)
    return tuple(_fill(word, params, step, str) for word in command)


def named(command: str | tuple[str, ...]) -> list[str]:
    """Return the parameters that a command names as `${name}`.

    >>> named("fit --depth ${train.depth} $${HOME}")
    ['train.depth']
    """
    words = (command,) if isinstance(command, str) else command
    return [name for word in words for name in filling.named(word)]


def _fill(text: str, params: Mapping[str, Any], step: str, quote: Any) -> str:
    def value_of(name: str, whole: str) -> str:
        value = look_up(params, name)
        if value is MISSING:
            problem = f"the command of step '{step}' names '{whole}', which is no parameter"
            raise _unknown(problem, name, params, shell=whole)
        if isinstance(value, Mapping):
            raise RequestError(
                f"the command of step '{step}' names '{whole}', which is a group of parameters",
                hint=f"name one of them, such as ${{{next(iter(flatten({name: value})))}}}",
            )
        values = value if isinstance(value, list) else [value]
        return " ".join(str(quote(filling.word(one))) for one in values)

    return filling.fill(text, value_of)


def _value(name: str, text: str, where: str) -> Any:
    from mlops_cli.core import yaml_nodes

    typed = f"{where} {name}={text[:40]}"
    try:
        return yaml_nodes.parse(text.encode(), where=typed).plain()
    except RequestError as error:
        problem = _LINE.sub("", error.message.removeprefix(typed))
        raise RequestError(f"'{typed}' {problem}", hint=error.hint) from error


def _put(params: dict[str, Any], name: str, value: Any, *, declared: bool) -> None:
    if declared and look_up(params, name) is MISSING:
        raise _unknown(f"there is no parameter '{name}'", name, params)
    *folders, last = name.split(".")
    here = params
    for part in folders:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            raise RequestError(f"'{name}' cannot be set: '{part}' is a value, not a group")
    here[last] = value


def _copy(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _copy(value) if isinstance(value, Mapping) else value for key, value in params.items()
    }


def _unknown(
    problem: str, name: str, params: Mapping[str, Any], *, shell: str = ""
) -> RequestError:
    from difflib import get_close_matches

    known = list(_all_names(params))
    near = get_close_matches(name, known, n=1)
    if near:
        return RequestError(problem, hint=f"did you mean '{near[0]}'?")
    if shell:
        return RequestError(problem, hint=f"write ${shell} for a variable of the shell")
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return RequestError(
        problem, hint=f"there are {listed}" if known else "add it under params: in .mlops.yaml"
    )


def _all_names(params: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in params.items():
        name = f"{above}{key}"
        yield name
        if isinstance(value, Mapping):
            yield from _all_names(value, f"{name}.")
