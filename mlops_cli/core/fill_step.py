"""One step with its templates filled in; what they give is checked as if it had been written."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlops_cli.core import config_values, filling, yaml_nodes
from mlops_cli.core.config_steps import Out, Reference, Step
from mlops_cli.core.filling import MISSING, look_up, word
from mlops_cli.core.globs import is_pattern
from mlops_cli.core.layout import LOCKFILE, POINTER_SUFFIX, SETTINGS
from mlops_cli.core.records import dataclass, replace
from mlops_cli.core.step_reader import Written
from mlops_cli.core.yaml_nodes import Value
from mlops_cli.errors import RequestError


@dataclass(frozen=True, slots=True)
class Item:
    """What one of the steps that a written one stands for is made for."""

    key: str
    value: Any


def unknown(where: Value, whole: str, name: str, params: Mapping[str, Any]) -> RequestError:
    """Return the error that a parameter named there is none."""
    file, colon, key = name.rpartition(":")
    if colon and file and key:
        hint = f"those of a file: {{{file}: [{key}]}}"
        return where.fail(f"names '{whole[:80]}', which is not in params", hint=hint)
    hint = yaml_nodes.suggest(name, tuple(dotted(params))) if params else "add it under params:"
    return where.fail(f"names '{whole[:80]}', which is not in params", hint=hint)


def dotted(params: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield every name that a parameter, or a group of them, has."""
    for key, value in params.items():
        yield above + key
        if isinstance(value, Mapping):
            yield from dotted(value, f"{above}{key}.")


class Filler:
    """Fills in the templates of one step, and checks what comes of it."""

    def __init__(
        self, one: Written, name: str, item: Item | None, params: Mapping[str, Any] | None
    ) -> None:
        self._one = one
        self._name = name
        self._item = item
        self._params = params

    def step(self) -> Step:
        """Return the step that runs."""
        one = self._one.step
        notebook = None if one.notebook is None else self._path(one.notebook, "notebook")
        deps = self._deps(one.deps)
        return replace(
            one,
            name=self._name,
            cmd=self._cmd(one.cmd),
            deps=deps if notebook is None or notebook in deps else (notebook, *deps),
            variables=self._words(one.variables, "env"),
            references=tuple(self._references(one.references)),
            steps=self._words(one.steps, "step"),
            params=self._names(one.params),
            param_files=self._param_files(one.param_files),
            outs=self._outs(one.outs, "outs"),
            metrics=self._outs(one.metrics, "metrics"),
            plots=self._outs(one.plots, "plots"),
            when=self._when(one.when),
            env={name: self._text(text, "env", name) for name, text in one.env.items()},
            workdir=self._workdir(one.workdir),
            desc=self._desc(one.desc),
            notebook=notebook,
            validate=self._validated(),
            group=self._one.name if self._item else None,
        )

    def _fail(self, keys: tuple[str | int, ...], problem: str, hint: str | None) -> RequestError:
        made = f", for '{self._name}'" if self._item else ""
        return self._one.at(*keys).fail(problem + made, hint=hint)

    def _own(self, name: str) -> Any:
        """Return what `item`, `item.NAME` or `key` stands for; MISSING for other names."""
        if self._item is None:
            return MISSING
        if name == "key":
            return self._item.key
        head, _, rest = name.partition(".")
        if head != "item":
            return MISSING
        found = look_up(self._item.value, rest) if rest else self._item.value
        if found is MISSING:
            where = self._one.at("matrix" if self._one.matrix else "foreach")
            known = list(self._item.value) if isinstance(self._item.value, Mapping) else []
            raise where.fail(
                f"has no '{rest}' for '{self._name}', which '${{{name}}}' names",
                hint=yaml_nodes.suggest(rest, known) if known else None,
            )
        return found

    def _value(self, name: str, whole: str, keys: tuple[str | int, ...]) -> Any:
        found = self._own(name)
        if found is MISSING and self._params is not None:
            found = look_up(self._params, name)
            if found is MISSING:
                raise unknown(self._one.at(*keys), whole, name, self._params)
        return found

    def _text(self, text: str, *keys: str | int) -> str:
        """Return a text with all templates filled in."""
        if "${" not in text:
            return text

        def value_of(name: str, whole: str) -> str:
            found = self._value(name, whole, keys)
            if isinstance(found, (list, Mapping)):
                kind = "a list" if isinstance(found, list) else "a group of values"
                raise self._fail(keys, f"names '{whole}', which is {kind}", "name one value")
            return whole if found is MISSING else word(found)

        return filling.fill(text, value_of)

    def _cmd(self, cmd: str | tuple[str, ...]) -> str | tuple[str, ...]:
        """Return the command with what is its own filled in; parameters are, when it runs."""
        if self._item is None:
            return cmd
        if not isinstance(cmd, str):
            return tuple(
                filling.fill_some(one, lambda name: self._words_of(name, str)) for one in cmd
            )
        return filling.fill_some(cmd, lambda name: self._words_of(name, shlex.quote))

    def _words_of(self, name: str, quote: Callable[[str], str]) -> str | None:
        found = self._own(name)
        if found is MISSING:
            return None
        if isinstance(found, Mapping):
            raise self._fail(("cmd",), f"names '${{{name}}}', which is a group of values", None)
        return " ".join(quote(word(one)) for one in (found if isinstance(found, list) else [found]))

    def _words(self, texts: tuple[str, ...], kind: str) -> tuple[str, ...]:
        return tuple(self._text(text, "deps", kind, at) for at, text in enumerate(texts))

    def _deps(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for at, text in enumerate(paths):
            filled = self._text(text, "deps", "path", at)
            if _still_open(filled, self._params):
                found.append(filled)
                continue
            path = _plain_path(filled) or self._not_plain(filled, at)
            if path in found:
                raise self._dep(at).fail(f"names '{path}' again", hint="delete this line")
            found.append(path)
        return tuple(found)

    def _not_plain(self, written: str, at: int) -> str:
        if written.startswith(("env:", "model:", "data:")):
            kind, _, name = written.partition(":")
            raise self._dep(at).fail(f"is '{written}'", hint=f"write {{{kind}: {name.strip()}}}")
        return config_values.inside(written, self._dep(at))

    def _dep(self, at: int) -> Value:
        return self._one.at("deps", "path", at)

    def _references(self, references: tuple[Reference, ...]) -> Iterator[Reference]:
        for place, one in enumerate(references):
            at = sum(other.kind == one.kind for other in references[:place])
            keys = ("deps", one.kind, at)
            path = None if one.path is None else self._path(one.path, *keys, "path")
            yield Reference(one.kind, self._text(one.name, *keys, one.kind), path)

    def _names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or self._params is None:
            return names
        found = tuple(self._text(name, "params", "path", at) for at, name in enumerate(names))
        for at, name in enumerate(found):
            if look_up(self._params, name) is MISSING:
                raise unknown(self._one.at("params", "path", at), name, name, self._params)
        return found

    def _param_files(self, files: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {
            self._path(file, "params", file): tuple(
                self._text(key, "params", file, at) for at, key in enumerate(keys)
            )
            for file, keys in files.items()
        }

    def _path(self, text: str, *keys: str | int) -> str:
        filled = self._text(text, *keys)
        if _still_open(filled, self._params):
            return filled
        return _plain_path(filled) or config_values.inside(filled, self._one.at(*keys))

    def _validated(self) -> bool | tuple[str, ...]:
        given = self._one.step.validate
        if isinstance(given, bool):
            return given
        return tuple(self._path(path, "validate", at) for at, path in enumerate(given))

    def _outs(self, outs: tuple[Any, ...], key: str) -> tuple[Any, ...]:
        found: dict[str, Out] = {}
        for at, out in enumerate(outs):
            path = self._path(out.path, key, at)
            if path in found:
                raise self._fail((key, at), f"names '{path}' again", "delete this line")
            self._check_written(path, key, at)
            found[path] = out if path == out.path else replace(out, path=path)
        return tuple(found.values())

    def _check_written(self, path: str, key: str, at: int) -> None:
        """Refuse what mlo or git writes."""
        name = path.rpartition("/")[2]
        if path in (SETTINGS, LOCKFILE) or name == ".gitignore" or name.endswith(POINTER_SUFFIX):
            whose = "git" if name == ".gitignore" else "mlo"
            problem = f"has '{path}', which {whose} keeps"
            raise self._fail((key, at), problem, "write another file")
        if is_pattern(path) and "${" not in path:
            problem = f"has '{path}', which is a pattern"
            raise self._fail((key, at), problem, "name a file, or the folder of many")

    def _when(self, text: str | None) -> str | None:
        """Return the condition, with values written as an expression has them."""
        if text is None:
            return None

        def value_of(name: str, whole: str) -> str:
            found = self._value(name, whole, ("when",))
            return whole if found is MISSING else self._literal(found, whole)

        filled = filling.fill(text, value_of)
        return filled if _still_open(filled, self._params) else self._condition(filled)

    def _condition(self, text: str) -> str:
        """Return a condition that was checked, with what is its own put in."""
        from mlops_cli.core import expression

        where = self._one.at("when")
        found = expression.parse(text, where=f"{where.where}:{where.line}: '{where.path}'")
        for name, at in reversed(found.places):
            own = self._own(name)
            if own is not MISSING:
                end = at + len(name) + (2 if text[at] == "`" else 0)
                text = text[:at] + self._literal(own, name) + text[end:]
            elif self._params is not None and look_up(self._params, name) is MISSING:
                raise unknown(where, name, name, self._params)
        return text

    def _literal(self, value: Any, whole: str) -> str:
        import json

        if isinstance(value, (list, Mapping)):
            raise self._fail(("when",), f"names '{whole}', which is no single value", None)
        return json.dumps(value, ensure_ascii=False)

    def _workdir(self, text: str | None) -> str | None:
        if text is None or not text.strip("./"):
            return None if text is None or ".." not in text else self._path(text, "workdir")
        return self._path(text, "workdir")

    def _desc(self, text: str | None) -> str | None:
        if text is None or self._item is None:
            return text
        return filling.fill_some(text, lambda name: self._words_of(name, str))


def _still_open(text: str, params: Mapping[str, Any] | None) -> bool:
    """Return whether a text holds a template because parameters are not known here."""
    return params is None and "${" in text


_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


def _plain_path(text: str) -> str | None:
    """Return a path that is plainly in its one form; None where it takes a closer look."""
    return text if _PLAIN.fullmatch(text) else None
