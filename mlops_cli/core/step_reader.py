"""One step of `.mlops.yaml` as it is written: its texts may hold templates still.

`core/expand.py` fills those in, checks paths, and makes several of a step with `foreach` or
`matrix`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from mlops_cli.core import config_values as values
from mlops_cli.core import filling
from mlops_cli.core.config_steps import Out, Plot, Reference, Step
from mlops_cli.core.records import dataclass, field
from mlops_cli.core.yaml_nodes import Value

PARAMETER_FILES = (".yaml", ".yml", ".json", ".toml")
NOTEBOOK = "papermill"
"""The word that stands for the command of a step that runs a notebook."""
_NOTEBOOK = re.compile(r"[^\s|&;<>$`'\"]+\.ipynb")
_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
KINDS = ("env", "model", "data", "step")
"""What a step can depend on beside paths."""


@dataclass(frozen=True, slots=True)
class Written:
    """A step as it is written.

    Attributes:
        step: what it says, templates not filled in.
        value: where it says so.
        foreach: what it is made once for each of: a list, a mapping, or a template that names a
            parameter; None for a step that is made once.
        matrix: lists, or templates that name one, all whose combinations it is made for.
    """

    step: Step
    value: Value = field(compare=False, repr=False)
    foreach: Any = None
    matrix: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The name it is written under."""
        return self.step.name

    def at(self, *keys: str | int) -> Value:
        """Return where something of the step stands, or the nearest to it that does.

        In a list, a kind of dependency (`path` for what is a text) comes before a place among
        those of the kind, and a name leads to what an entry says under it.
        """
        here = self.value
        among: list[Value] | None = None
        for key in keys:
            if isinstance(key, int):
                every = list(here.each()) if among is None and here.is_list else among or []
                inner = every[key] if key < len(every) else None
                among = None
            elif here.is_list and key in ("path", *KINDS):
                among = dependencies(here, key)
                continue
            else:
                entries = here.each() if here.is_list else [here]
                found = (dict(one.items()).get(key) for one in entries if one.is_mapping)
                inner = next((one for one in found if one is not None), None)
            if inner is None:
                break
            here = inner
        return here


def read(name: str, value: Value) -> Written:
    """Return the step that `value` holds.

    Raises:
        RequestError: a key that no step has, or a value that does not fit its key.
    """
    found = value.fields(KEYS)
    given: dict[str, Any] = {
        key: _READERS[key](one) for key, one in found.items() if key in _READERS
    }
    if "deps" in found:
        given |= _dependencies(found["deps"])
    if "params" in found:
        given["params"], given["param_files"] = _params(found["params"])
    if "timeout" in given:
        given["timeout_s"] = given.pop("timeout")
    _take_command(given, value)
    foreach = _foreach(found["foreach"]) if "foreach" in found else None
    matrix = _matrix(found["matrix"]) if "matrix" in found else None
    if foreach is not None and matrix is not None:
        raise found["matrix"].fail("is there beside foreach", hint="keep one of the two")
    where = f"{value.where}:{value.line}: "
    return Written(Step(name, **given, where=where), value, foreach, matrix)


def dependencies(value: Value, kind: str) -> list[Value]:
    """Return where the entries of `deps` stand that are of a kind: path, env, model, ..."""
    return [one for one in value.each() if _kind(one) == kind]


def _take_command(given: dict[str, Any], value: Value) -> None:
    notebook = given.get("notebook")
    if notebook is None and "cmd" not in given:
        raise value.fail("needs the key 'cmd'", hint="add cmd: ...")
    cmd = given.get("cmd")
    if notebook is None and isinstance(cmd, str) and _NOTEBOOK.fullmatch(cmd):
        where = dict(value.items())["cmd"]
        raise where.fail(f"is the notebook '{cmd[:80]}'", hint=f"notebook: {cmd[:80]}")
    if notebook is not None:
        if "cmd" in given:
            raise value.fail("has both cmd and notebook", hint="keep one of the two")
        if not notebook.endswith(".ipynb"):
            where = dict(value.items())["notebook"]
            raise where.fail(f"is '{notebook[:80]}', which is no notebook", hint="name an .ipynb")
        given["cmd"] = (NOTEBOOK, notebook)


def _cmd(value: Value) -> str | tuple[str, ...]:
    if not value.is_list:
        return value.text()
    words = values.words(value)
    if not words:
        raise value.fail("must not be empty")
    return words


def _kind(value: Value) -> str:
    if not value.is_mapping:
        return "path"
    found = [key for key, _ in value.items() if key in KINDS]
    return found[0] if len(found) == 1 else ""


def _dependencies(value: Value) -> dict[str, Any]:
    paths: list[str] = []
    variables: list[str] = []
    references: list[Reference] = []
    steps: list[str] = []
    for one in value.each():
        kind = _kind(one)
        if kind == "path":
            paths.append(one.word())
        elif kind == "env":
            variables.append(one.fields(("env",))["env"].word())
        elif kind == "step":
            steps.append(one.fields(("step",))["step"].word())
        else:
            references.append(_reference(one, kind))
    return {
        "deps": tuple(paths),
        "variables": tuple(variables),
        "references": tuple(references),
        "steps": tuple(steps),
    }


def _reference(value: Value, kind: str) -> Reference:
    found = value.fields((*KINDS, "path"))
    if kind not in ("model", "data"):
        raise value.fail(
            "must name one thing", hint="write a path, or {env: NAME}, {model: churn@production}"
        )
    place = found["path"].word() if "path" in found else None
    return Reference("model" if kind == "model" else "data", found[kind].word(), place)


def _params(value: Value) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return parameters by name, and those in files by the file's path."""
    names: list[str] = []
    files: dict[str, tuple[str, ...]] = {}
    for one in value.each():
        if not one.is_mapping:
            names.append(one.word())
            continue
        for file, keys in one.items():
            if file in files:
                raise keys.fail(f"names '{file}' again", hint="put its keys into one list")
            if not file.endswith(PARAMETER_FILES):
                raise keys.fail(
                    "is not a file of parameters", hint=f"name one of {', '.join(PARAMETER_FILES)}"
                )
            files[file] = values.words(keys)
    return tuple(names), files


def _one(value: Value) -> tuple[str, Value | None]:
    """Return the path of an output, and what is said of it."""
    if not value.is_mapping:
        return value.word(), None
    found = list(value.items())
    if len(found) != 1:
        raise value.fail("must name one path", hint="write it as in {model: {cache: false}}")
    return found[0]


_OUT: dict[str, Callable[[Value], Any]] = {
    "cache": Value.boolean,
    "persist": Value.boolean,
    "on_failure": lambda value: value.choice("keep", "remove"),
}
_PLOT: dict[str, Callable[[Value], Any]] = {
    **_OUT,
    "x": Value.word,
    "y": lambda value: values.words(value) if value.is_list else (value.word(),),
    "title": Value.word,
}


def _outs(value: Value) -> tuple[Out, ...]:
    return tuple(_output(Out, one, _OUT) for one in value.each())


def _plots(value: Value) -> tuple[Plot, ...]:
    return tuple(_output(Plot, one, _PLOT) for one in value.each())


def _output(make: Any, value: Value, readers: Mapping[str, Callable[[Value], Any]]) -> Any:
    path, said = _one(value)
    if said is None:
        return make(path)
    return said.record(lambda **keys: make(path, **keys), readers)


def _timeout(value: Value) -> float:
    match = _TIME.fullmatch(value.word())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not seconds:
        raise value.fail(f"is '{value.word()[:40]}', which is no time", hint="as in 90s, 10m or 2h")
    return seconds


def _env(value: Value) -> dict[str, str]:
    hint = "use letters, digits and '_'"
    return {
        values.check_variable(name, inner, hint=hint): "" if _empty(inner) else inner.word()
        for name, inner in value.items()
    }


def _empty(value: Value) -> bool:
    return value.is_nothing or not (value.is_list or value.is_mapping or value.plain() != "")


def resources(value: Value) -> dict[str, float]:
    """Return how much of each resource there is, or is taken."""
    return {name: inner.number(minimum=0) for name, inner in values.named(value)}


def _foreach(value: Value) -> Any:
    if value.is_list:
        return [one.plain() for one in value.each()]
    if value.is_mapping:
        return {name: inner.plain() for name, inner in values.named(value)}
    return _list_named(value)


def _matrix(value: Value) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if "." in name or not name:
            raise inner.fail("has a '.' or nothing as its key", hint="name it by one word")
        found[name] = inner.plain() if inner.is_list else _list_named(inner)
    if not found:
        raise value.fail("must not be empty", hint="as in matrix: {model: [tree, forest]}")
    return found


def _validate(value: Value) -> bool | tuple[str, ...]:
    from mlops_cli.core import config_validation  # only where there is some

    return config_validation.of_step(value)


def _list_named(value: Value) -> str:
    text = value.word()
    if not filling.WHOLE.fullmatch(text):
        raise value.fail(
            f"must be a list, or name one, not '{text[:40]}'", hint='write [a, b] or "${name}"'
        )
    return text


_READERS: dict[str, Callable[[Value], Any]] = {
    "cmd": _cmd,
    "notebook": Value.word,
    "outs": _outs,
    "metrics": _outs,
    "plots": _plots,
    "when": Value.word,
    "retries": lambda value: value.integer(minimum=0, maximum=1000),
    "timeout": _timeout,
    "env": _env,
    "workdir": Value.word,
    "resources": lambda value: {"cpus": 1, **resources(value)},
    "frozen": Value.boolean,
    "desc": Value.word,
    "validate": _validate,
}
KEYS = (*_READERS, "deps", "params", "foreach", "matrix")
"""All that can be said of a step."""
OUT_KEYS = tuple(_OUT)
PLOT_KEYS = tuple(_PLOT)
