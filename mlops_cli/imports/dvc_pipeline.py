"""The stages of a `dvc.yaml` as steps of mlo, and what of them does not map."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlops_cli.core import config, yaml_nodes
from mlops_cli.core.step_reader import PARAMETER_FILES
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.data import dvc_files
from mlops_cli.errors import MloError, RequestError
from mlops_cli.imports import dvc_loops
from mlops_cli.runs.param_files import ParamFiles

PARAMS = "params.yaml"
_TEMPLATE = re.compile(r"(\\?)\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NUMBERS = (".json", ".yaml", ".yml")
_TABLES = (".csv", ".tsv", ".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a `dvc.yaml` became: settings as YAML would hold them, and what was left out.

    Attributes:
        stages: the step that each stage became; several are one in `dvc.yaml` and in the settings.
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


def read(
    file: str, data: bytes, params: Mapping[str, Any] | None, files: ParamFiles | None = None
) -> Pipeline:
    """Return the steps that the stages of the `dvc.yaml` at `file` become.

    `params` are the values in `params.yaml`; None when they cannot be read, or there are none.
    `files` reads others; without it, they count as what stages want of them.

    Raises:
        RequestError: it is not YAML, or not laid out as such a file.
    """
    document = yaml_nodes.parse(data, where=file)
    top = dict(document.items())
    folder = file.rpartition("/")[0]
    made = _Maker(folder, params, files)
    for name, value in top["stages"].items() if "stages" in top else ():
        made.stage(name, value)
    for key in top:
        if key not in ("stages", "params", "metrics"):
            made.unmapped.append(f"{file}: `{key}`")
    return Pipeline(made.steps, made.stages, made.unmapped, made.needs_params)


class _Maker:
    def __init__(
        self, folder: str, params: Mapping[str, Any] | None, files: ParamFiles | None
    ) -> None:
        self._files = files
        self._looped = False
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
            loop = dvc_loops.read(fields, self._listed)
            self._looped = loop is not None
            if loop is not None and "do" in fields:
                fields = dict(fields["do"].items())
            step = self._step(fields)
        except _Unmapped as why:
            self.unmapped.append(f"stage '{name}' {why}")
            return
        own = re.sub(r"[^A-Za-z0-9_.-]", "-", name).lstrip(".-") or "step"
        if loop is None:
            self.steps[own] = step
            self.stages[name] = own
        else:
            self.steps[own] = {loop.key: loop.written, **step}
            self.stages |= {f"{name}@{theirs}": f"{own}@{ours}" for theirs, ours in loop.names}
            self.needs_params |= loop.uses_params
        if "always_changed" in fields and fields["always_changed"].plain() is True:
            self.unmapped.append(f"stage '{name}' is always run, which steps are not")

    def _step(self, fields: dict[str, Value]) -> dict[str, Any]:
        if "cmd" not in fields:
            raise _Unmapped("has no command")
        folder = self._folder
        if "wdir" in fields:
            folder = self._place(folder, self._filled(fields["wdir"].word()), empty=True)
        step: dict[str, Any] = {"cmd": self._cmd(fields["cmd"], folder)}
        deps = [self._path(folder, one) for one in _list(fields, "deps")]
        keys: list[Any] = []
        for one in _list(fields, "params"):
            more_deps, more_keys = self._wanted(folder, one)
            deps += more_deps
            keys += more_keys
        written = {"deps": deps, "params": keys, **self._outputs(fields, folder)}
        step |= {key: _each_once(found) for key, found in written.items() if found}
        if "frozen" in fields and fields["frozen"].plain() is True:
            step["frozen"] = True
        if "desc" in fields:
            step["desc"] = _TEMPLATE.sub(lambda match: f"$${{{match[2]}}}", fields["desc"].word())
        return step

    def _cmd(self, value: Value, folder: str) -> str:
        lines = [one.word() for one in value.each()] if value.is_list else [value.word()]
        line = " && ".join(_TEMPLATE.sub(self._template, line) for line in lines)
        return f"cd {_quoted(folder)} && {line}" if folder else line

    def _template(self, match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"$${{{name}}}"
        if self._looped and dvc_loops.is_own(name):
            return match[0]
        self._known(name)
        self.needs_params = True
        return match[0]

    def _known(self, name: str) -> Any:
        value = self._any(name)
        if isinstance(value, Mapping):
            raise _Unmapped(f"has '${{{name}}}', which is a group of parameters")
        return value

    def _listed(self, name: str) -> Any:
        value = self._any(name)
        if not isinstance(value, (list, Mapping)):
            raise _Unmapped(f"is made for each of {value}, which is no list")
        return value

    def _any(self, name: str) -> Any:
        try:
            if not _NAME.fullmatch(name):
                raise KeyError(name)
            return config.lookup(self._params or {}, name)
        except KeyError:
            raise _Unmapped(f"has '${{{name}}}', which is no parameter of {PARAMS}") from None

    def _filled(self, text: str) -> str:
        def value_of(match: re.Match[str]) -> str:
            if self._looped and dvc_loops.is_own(match[2]):
                return match[0]
            return str(self._known(match[2]))

        return _TEMPLATE.sub(value_of, text)

    def _path(self, folder: str, value: Value) -> str:
        return self._place(folder, self._filled(_name(value)))

    def _place(self, folder: str, written: str, *, empty: bool = False) -> str:
        if empty and posixpath.normpath(f"{folder}/{written}".lstrip("/")) == ".":
            return ""
        found = dvc_files.place(folder, written)
        if found is None:
            raise _Unmapped(f"has '{written}', which is outside the project")
        return found

    def _wanted(self, folder: str, value: Value) -> tuple[list[str], list[Any]]:
        """Return the dependencies and the parameters that an entry of `params` means."""
        if not value.is_mapping:
            wanted = [(PARAMS, [value.word()])]
        else:
            wanted = [(file, [key.word() for key in keys.each()]) for file, keys in value.items()]
        deps: list[str] = []
        names: list[Any] = []
        for file, keys in wanted:
            path = self._place(folder, file)
            if path != PARAMS and self._holds(path, keys):
                names.append({path: keys or None})
            elif path != PARAMS or not keys or not all(map(self._has, keys)):
                deps.append(path)
            else:
                names += keys
                self.needs_params = True
        return deps, names

    def _holds(self, path: str, keys: Sequence[str]) -> bool:
        """Return whether a file can be read as parameters, and has these."""
        if not path.endswith(PARAMETER_FILES) or "${" in path:
            return False
        try:
            return self._files is None or bool(self._files.pick(path, keys, step=""))
        except MloError:
            return False

    def _has(self, key: str) -> bool:
        try:
            config.lookup(self._params or {}, key)
        except KeyError:
            return False
        return True

    def _outputs(self, fields: dict[str, Value], folder: str) -> dict[str, list[Any]]:
        """Return what a stage writes, by the key under which a step says so."""
        found: dict[str, list[Any]] = {"outs": [], "metrics": [], "plots": []}
        for kind in found:
            for value in _list(fields, kind):
                path = self._path(folder, value)
                options = _options(value)
                fits = {"metrics": _NUMBERS, "plots": _TABLES}.get(kind, ("",))
                key = kind if path.endswith(fits) else "outs"
                found[key].append({path: said} if (said := _said(options, key)) else path)
        return found


def _said(options: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return what is to be said of an output: where DVC's is not as ours would be."""
    said: dict[str, Any] = {}
    if options.get("cache") is False:
        said["cache"] = False
    if options.get("persist") is True:
        said["persist"] = True
    for name in ("x", "y", "title") if key == "plots" else ():
        if _is_words(options.get(name)):
            said[name] = options[name]
    return said


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


def _is_words(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def _each_once(entries: Sequence[Any]) -> list[Any]:
    """Return entries without those whose path was there before."""
    return list(
        {next(iter(one)) if isinstance(one, dict) else one: one for one in entries}.values()
    )


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
    for name, step in pipeline.steps.items():
        stages = {stage: one for stage, one in pipeline.stages.items() if written_as(one) == name}
        kept.steps[name] = step
        try:
            check(settings_text(kept, params=params).encode())
        except RequestError as error:
            del kept.steps[name]
            stage = next(iter(stages), name)
            kept.unmapped.append(f"stage '{stage.partition('@')[0]}': {error.message}")
            continue
        kept.stages.update(stages)
    return kept


def written_as(name: str) -> str:
    """Return the name under which the settings have a step.

    >>> written_as("train@a"), written_as("train")
    ('train', 'train')
    """
    return name.partition("@")[0]
