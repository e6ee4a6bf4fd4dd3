"""The stages of a `dvc.yaml` as steps of mlo, and what of them does not map."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_cli.core import config, yaml_nodes
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.data import dvc_files
from mlops_cli.errors import RequestError

PARAMS = "params.yaml"
_TEMPLATE = re.compile(r"(\\?)\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NUMBERS = (".json", ".yaml", ".yml")
_SAID = {
    "frozen": "is frozen, which steps cannot be",
    "always_changed": "is always run, which steps are not",
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a `dvc.yaml` became: settings as YAML would hold them, and what was left out.

    Attributes:
        stages: the step that each stage of `dvc.yaml` became.
        unmapped: what has no like in mlo.
        needs_params: whether `params.yaml` holds the parameters.
        written: whether the settings have the steps already.
    """

    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    needs_params: bool = False
    written: bool = False


class _Unmapped(Exception):
    """A stage cannot be a step; the message says why."""


def read(file: str, data: bytes, params: Mapping[str, Any] | None) -> Pipeline:
    """Return the steps that the stages of the `dvc.yaml` at `file` become.

    `params` are the values in `params.yaml`; None when they cannot be read, or there are none.

    Raises:
        RequestError: it is not YAML, or not laid out as such a file.
    """
    document = yaml_nodes.parse(data, where=file)
    top = dict(document.items())
    folder = file.rpartition("/")[0]
    made = _Maker(folder, params)
    for name, value in top["stages"].items() if "stages" in top else ():
        made.stage(name, value)
    for key in top:
        if key not in ("stages", "params", "metrics"):
            made.unmapped.append(f"{file}: `{key}`")
    return Pipeline(made.steps, made.stages, made.unmapped, made.needs_params)


class _Maker:
    def __init__(self, folder: str, params: Mapping[str, Any] | None) -> None:
        self._folder = folder
        self._params = params
        self.steps: dict[str, dict[str, Any]] = {}
        self.stages: dict[str, str] = {}
        self.unmapped: list[str] = []
        self.needs_params = False

    def stage(self, name: str, value: Value) -> None:
        """Take in one stage, or say why not."""
        fields = dict(value.items())
        try:
            if "foreach" in fields or "matrix" in fields:
                raise _Unmapped("is made from a template (foreach, matrix)")
            step = self._step(name, fields)
        except _Unmapped as why:
            self.unmapped.append(f"stage '{name}' {why}")
            return
        own = re.sub(r"[^A-Za-z0-9_.-]", "-", name).lstrip(".-") or "step"
        self.steps[own] = step
        self.stages[name] = own
        for key, said in _SAID.items():
            if key in fields and fields[key].plain() is True:
                self.unmapped.append(f"stage '{name}' {said}")

    def _step(self, name: str, fields: dict[str, Value]) -> dict[str, Any]:
        if "cmd" not in fields:
            raise _Unmapped("has no command")
        folder = self._folder
        if "wdir" in fields:
            folder = self._place(folder, self._filled(fields["wdir"].word()), empty=True)
        step: dict[str, Any] = {"cmd": self._cmd(fields["cmd"], folder)}
        deps = [self._path(folder, one) for one in _list(fields, "deps")]
        keys: list[str] = []
        for one in _list(fields, "params"):
            more_deps, more_keys = self._wanted(folder, one)
            deps += more_deps
            keys += more_keys
        outs, metrics = self._outputs(name, fields, folder)
        for key, found in (("deps", deps), ("params", keys), ("outs", outs), ("metrics", metrics)):
            if found:
                step[key] = list(dict.fromkeys(found))
        return step

    def _cmd(self, value: Value, folder: str) -> str:
        lines = [one.word() for one in value.each()] if value.is_list else [value.word()]
        line = " && ".join(_TEMPLATE.sub(self._template, line) for line in lines)
        return f"cd {_quoted(folder)} && {line}" if folder else line

    def _template(self, match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"$${{{name}}}"
        self._known(name)
        self.needs_params = True
        return match[0]

    def _known(self, name: str) -> Any:
        try:
            if not _NAME.fullmatch(name):
                raise KeyError(name)
            value = config.lookup(self._params or {}, name)
        except KeyError:
            raise _Unmapped(f"has '${{{name}}}', which is no parameter of {PARAMS}") from None
        if isinstance(value, Mapping):
            raise _Unmapped(f"has '${{{name}}}', which is a group of parameters")
        return value

    def _filled(self, text: str) -> str:
        return _TEMPLATE.sub(lambda match: str(self._known(match[2])), text)

    def _path(self, folder: str, value: Value) -> str:
        return self._place(folder, self._filled(_name(value)))

    def _place(self, folder: str, written: str, *, empty: bool = False) -> str:
        if empty and posixpath.normpath(f"{folder}/{written}".lstrip("/")) == ".":
            return ""
        found = dvc_files.place(folder, written)
        if found is None:
            raise _Unmapped(f"has '{written}', which is outside the project")
        return found

    def _wanted(self, folder: str, value: Value) -> tuple[list[str], list[str]]:
        """Return the dependencies and the parameters that an entry of `params` means."""
        if not value.is_mapping:
            wanted = [(PARAMS, [value.word()])]
        else:
            wanted = [(file, [key.word() for key in keys.each()]) for file, keys in value.items()]
        deps: list[str] = []
        names: list[str] = []
        for file, keys in wanted:
            path = self._place(folder, file)
            if path != PARAMS or not keys or not all(map(self._has, keys)):
                deps.append(path)
            else:
                names += keys
                self.needs_params = True
        return deps, names

    def _has(self, key: str) -> bool:
        try:
            config.lookup(self._params or {}, key)
        except KeyError:
            return False
        return True

    def _outputs(
        self, name: str, fields: dict[str, Value], folder: str
    ) -> tuple[list[str], list[str]]:
        outs: list[str] = []
        metrics: list[str] = []
        for kind in ("outs", "metrics", "plots"):
            for value in _list(fields, kind):
                path = self._path(folder, value)
                options = _options(value)
                if options.get("persist"):
                    self.unmapped.append(
                        f"stage '{name}' keeps '{path}' from run to run (persist): "
                        "a step begins without its outputs"
                    )
                is_metric = kind == "metrics" and path.endswith(_NUMBERS)
                (metrics if is_metric else outs).append(path)
        return outs, metrics


def _list(fields: Mapping[str, Value], key: str) -> Iterator[Value]:
    if key in fields:
        yield from fields[key].each()


def _name(value: Value) -> str:
    return next(name for name, _ in value.items()) if value.is_mapping else value.word()


def _options(value: Value) -> dict[str, Any]:
    if not value.is_mapping:
        return {}
    _, inner = next(value.items())
    found = inner.plain()
    return found if isinstance(found, dict) else {}


def _quoted(folder: str) -> str:
    import shlex

    return shlex.quote(folder)


def settings_text(pipeline: Pipeline, *, params: bool) -> str:
    """Return the lines of `.mlops.yaml` for these steps."""
    import yaml

    held: dict[str, Any] = {"params": PARAMS} if params else {}
    held["steps"] = pipeline.steps
    return str(yaml.safe_dump(held, sort_keys=False, allow_unicode=True, width=100))


def tried(pipeline: Pipeline, check: Any, *, params: bool) -> Pipeline:
    """Return the pipeline without steps that settings cannot hold, which are then unmapped.

    `check` raises RequestError for settings that will not do.
    """
    kept = Pipeline({}, {}, list(pipeline.unmapped), pipeline.needs_params)
    for stage, name in pipeline.stages.items():
        kept.steps[name] = pipeline.steps[name]
        try:
            check(settings_text(kept, params=params).encode())
        except RequestError as error:
            del kept.steps[name]
            kept.unmapped.append(f"stage '{stage}': {error.message}")
            continue
        kept.stages[stage] = name
    return kept
