"""Stages that `foreach` and `matrix` of a `dvc.yaml` make, and the steps that they become."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_cli.core import filling
from mlops_cli.core.expand import key_of
from mlops_cli.core.yaml_nodes import Value

LookUp = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Loop:
    """What a stage is made for.

    Attributes:
        key: `foreach` or `matrix`.
        written: what is to stand behind it in the settings.
        names: what comes after the `@` in the names of DVC's stages, and in those of the steps.
        uses_params: whether it names a parameter.
    """

    key: str
    written: Any
    names: Sequence[tuple[str, str]]
    uses_params: bool


def read(fields: Mapping[str, Value], value_of: LookUp) -> Loop | None:
    """Return what a stage is made for; None for one that is made once.

    `value_of` returns the value of a parameter, or raises.
    """
    if "foreach" in fields:
        written = fields["foreach"].plain()
        items, named = _items(written, value_of)
        return Loop("foreach", written, _names(items), named)
    if "matrix" in fields:
        written = dict(fields["matrix"].plain())
        found = [(name, *_items(one, value_of)) for name, one in written.items()]
        lists = [[(name, at, one) for at, one in enumerate(items)] for name, items, _ in found]
        names = [
            (
                "-".join(_word(*one) for one in chosen),
                "-".join(key_of(one[2], one[1]) for one in chosen),
            )
            for chosen in itertools.product(*lists)
        ]
        return Loop("matrix", written, names, any(named for _, _, named in found))
    return None


def is_own(name: str) -> bool:
    """Return whether a template speaks of what a stage is made for."""
    return name in ("item", "key") or name.startswith("item.")


def _items(written: Any, value_of: LookUp) -> tuple[Any, bool]:
    match = filling.WHOLE.fullmatch(written) if isinstance(written, str) else None
    return (value_of(match[1]), True) if match else (written, False)


def _names(items: Any) -> list[tuple[str, str]]:
    if isinstance(items, Mapping):
        return [(str(key), key_of(key, 0)) for key in items]
    plain = not any(isinstance(one, (list, Mapping)) for one in items)
    return [
        (filling.word(one) if plain else str(at), key_of(one, at)) for at, one in enumerate(items)
    ]


def _word(name: str, at: int, value: Any) -> str:
    return f"{name}{at}" if isinstance(value, (list, Mapping)) else filling.word(value)
