"""Steps as they run: templates filled in, and one made for each of a `foreach` or `matrix`.

`expand` takes steps as they are written, and parameters, which `--set` may have changed. What
templates give is checked as if it had been written: paths inside the project, parameters that are
there, no output that two steps write.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from mlops_cli.core import yaml_nodes
from mlops_cli.core.config_steps import Step
from mlops_cli.core.fill_step import Filler, Item, unknown
from mlops_cli.core.filling import MISSING, WHOLE, look_up, word
from mlops_cli.core.layout import SETTINGS
from mlops_cli.core.records import replace
from mlops_cli.core.step_reader import Written
from mlops_cli.core.yaml_nodes import Value

MAX_STEPS = 1000


def expand(
    written: Mapping[str, Written],
    params: Mapping[str, Any] | None,
    *,
    max_steps: int = MAX_STEPS,
) -> dict[str, Step]:
    """Return the steps by name, in the order they are written.

    Without `params`, because nobody knows them here, what hangs on them stays as it is written.

    Raises:
        RequestError: what a template names is not there, it gives what could not be written, or
            there would be more than `max_steps` steps.
    """
    steps: dict[str, Step] = {}
    users: list[tuple[Written, Step]] = []
    makers = _Makers()
    for one in written.values():
        for step in _each(one, params, max_steps):
            if step.name in steps:
                raise one.at("matrix" if one.matrix else "foreach").fail(
                    f"makes '{step.name}' twice",
                    hint="let no two differ only by letters that names cannot hold",
                )
            steps[step.name] = step
            makers.take(one, step)
            if step.steps:
                users.append((one, step))
    groups = {step.group for step in steps.values()}
    for one, step in users:
        _check_needed(one, step, {*steps, *written})
        there = tuple(name for name in step.steps if name in steps or name in groups)
        if there != step.steps:  # one is made for each of an empty list
            steps[step.name] = replace(step, steps=there)
    return steps


def _check_needed(one: Written, step: Step, known: Set[str]) -> None:
    """Refuse a dependency on a step that there is not."""
    for at, name in enumerate(step.steps):
        if name not in known and "${" not in name:
            where = one.at("deps", "step", at, "step")
            hint = yaml_nodes.suggest(name, sorted(known - {step.name, one.name}))
            raise where.fail(f"is '{name[:80]}', which is no step", hint=hint)


def _each(one: Written, params: Mapping[str, Any] | None, max_steps: int) -> Iterator[Step]:
    if one.foreach is None and one.matrix is None:
        yield Filler(one, one.name, None, params).step()
        return
    for item in _items(one, params, max_steps):
        name = f"{one.name}@{item.key}"
        yield Filler(one, name, item, params).step()


def _items(one: Written, params: Mapping[str, Any] | None, max_steps: int) -> Iterable[Item]:
    if one.matrix is not None:
        return _combinations(one, one.matrix, params, max_steps)
    found = _listed(one, one.foreach, params, one.at("foreach"))
    _check_count(one, "foreach", len(found), max_steps)
    if isinstance(found, Mapping):
        return [Item(key_of(key, 0), value) for key, value in found.items()]
    return [Item(key_of(value, at), value) for at, value in enumerate(found)]


def _combinations(
    one: Written, matrix: Mapping[str, Any], params: Mapping[str, Any] | None, max_steps: int
) -> Iterator[Item]:
    where = dict(one.at("matrix").items())
    lists = {}
    count = 1
    for name, given in matrix.items():
        lists[name] = _listed(one, given, params, where[name], mapping=False)
        count *= len(lists[name])
    _check_count(one, "matrix", count, max_steps)
    for chosen in itertools.product(*(enumerate(values) for values in lists.values())):
        key = "-".join(key_of(value, at) for at, value in chosen)
        yield Item(key, dict(zip(lists, (value for _, value in chosen), strict=True)))


def _listed(
    one: Written,
    given: Any,
    params: Mapping[str, Any] | None,
    where: Value,
    *,
    mapping: bool = True,
) -> Any:
    """Return the list or mapping that was written, or that the parameter named is."""
    match = WHOLE.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        return given
    if params is None:
        return []
    found = look_up(params, match[1])
    if found is MISSING:
        raise unknown(where, match[0], match[1], params)
    if not isinstance(found, (list, Mapping) if mapping else list):
        raise where.fail(
            f"names '{match[0]}', which is no list", hint=f"step '{one.name}' is made for each"
        )
    return found


def _check_count(one: Written, key: str, count: int, max_steps: int) -> None:
    if count > max_steps:
        raise one.at(key).fail(
            f"makes {count:,} steps, and at most {max_steps:,} are let",
            hint=f"make it smaller, or write max_steps: {count} at the top of {SETTINGS}",
        )


def key_of(value: Any, at: int) -> str:
    """Return what a step made for `value` has in its name; what is no word goes by its place."""
    if isinstance(value, (list, Mapping)):
        return str(at)
    return re.sub(r"[^\w.+-]", "-", word(value)) or "-"


class _Makers:
    """Which step writes what; refuses a place that two write."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._above: dict[str, str] = {}
        """An output inside each folder that holds one."""

    def take(self, one: Written, step: Step) -> None:
        """Note what a step writes.

        Raises:
            RequestError: another step writes there, or inside, or a folder that holds it.
        """
        own: set[str] = set()
        for key in ("outs", "metrics", "plots"):
            for at, out in enumerate(getattr(step, key)):
                if out.path in own:
                    continue
                own.add(out.path)
                self._check(one, step, key, at, out.path)
                self._made[out.path] = step.name

    def _check(self, one: Written, step: Step, key: str, at: int, path: str) -> None:
        other = path if path in self._made else self._above.get(path)
        folder = path
        while "/" in folder and other is None:
            folder = folder.rpartition("/")[0]
            other = folder if folder in self._made else None
            self._above.setdefault(folder, path)
        if other is None:
            return
        maker = self._made.get(other, step.name)
        made = f" of '{step.name}'" if step.group else ""
        hint = None
        if step.group and maker.startswith(f"{step.group}@"):
            hint = "let ${key} be part of its path"
        raise one.at(key, at).fail(
            f"is '{path}'{made}, but step '{maker}' writes '{other}'", hint=hint
        )
