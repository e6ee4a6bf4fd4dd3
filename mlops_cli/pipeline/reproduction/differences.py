"""How the environment of one run differs from that of another, which may change the numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from mlops_cli.core.records import dataclass

Kind = Literal[
    "package", "python", "variable", "processors", "cpu", "library", "gpu", "system", "lock file"
]
NOT_SET = "not set"
ABSENT = "not installed"
_MOST_FLAGS = 6


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was otherwise when a run was recorded. What is there is put in words."""

    kind: Kind
    name: str
    recorded: str
    here: str


def differences(recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two environments, as records hold them, most telling first.

    What an older record does not say is not compared.
    """
    found = [
        *_packages(recorded, here),
        *_facts(recorded, here, "python", ("python", "implementation")),
        *_variables(recorded, here),
        *_facts(recorded, here, "processors", ("cpus_usable",)),
        *_libraries(recorded, here),
        *_cpu(recorded, here),
        *_lists(recorded, here, "gpu", "gpus", _gpu),
        *_facts(recorded, here, "system", ("machine", "libc", "os", "distribution", "container")),
        *_locks(recorded, here),
    ]
    return [one for one in found if one.recorded != one.here]


def _packages(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Return packages of other versions first, then those that are missing, then further ones."""
    before, after = then.get("packages", {}), now.get("packages", {})
    found: list[tuple[int, Difference]] = []
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name, ABSENT), after.get(name, ABSENT)
        if one == other and _built_otherwise(then, now, name):
            one, other = f"{one}", f"{other}, another build"
        rank = 1 if other == ABSENT else 2 if one == ABSENT else 0
        found.append((rank, Difference("package", name, one, other)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _built_otherwise(then: Mapping[str, Any], now: Mapping[str, Any], name: str) -> bool:
    if name in then.get("editable", {}) or name in now.get("editable", {}):
        return False
    one, other = then.get("hashes", {}).get(name), now.get("hashes", {}).get(name)
    return None not in (one, other) and one != other


def _facts(
    then: Mapping[str, Any], now: Mapping[str, Any], kind: Kind, names: Iterable[str]
) -> Iterator[Difference]:
    for name in names:
        if then.get(name) is not None and name in now:
            yield Difference(kind, name, str(then[name]), str(now[name]))


def _variables(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for group in ("threads", "variables"):
        before, after = then.get(group, {}), now.get(group, {})
        for name in sorted(before.keys() | after.keys()):
            yield Difference("variable", name, before.get(name, NOT_SET), after.get(name, NOT_SET))


def _libraries(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the libraries for linear algebra, where there are others than then."""
    before, after = then.get("libraries"), now.get("libraries")
    if before is None or after is None:
        return
    gone, fresh = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    if gone or fresh:
        yield Difference("library", "linear algebra", _listed(gone), _listed(fresh))


def _cpu(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    yield from _facts(then, now, "cpu", ("cpu",))
    before, after = then.get("cpu_flags"), now.get("cpu_flags")
    if before is not None and after is not None and set(before) != set(after):
        gone = [flag for flag in before if flag not in after]
        fresh = [flag for flag in after if flag not in before]
        yield Difference("cpu", "abilities", _listed(gone), _listed(fresh))


def _lists(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    kind: Kind,
    name: str,
    shown: Callable[[Any], str],
) -> Iterator[Difference]:
    if name in then and name in now:
        yield Difference(
            kind, name, _listed(map(shown, then[name])), _listed(map(shown, now[name]))
        )


def _gpu(one: Mapping[str, str]) -> str:
    return f"{one.get('model')} ({one.get('driver')})"


def _locks(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = then.get("locks", {}), now.get("locks", {})
    for name in sorted(before.keys() | after.keys()):
        yield Difference(
            "lock file", name, before.get(name, "none")[:12], after.get(name, "none")[:12]
        )


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _MOST_FLAGS} more" if len(every) > _MOST_FLAGS else ""
    return ", ".join(every[:_MOST_FLAGS]) + more if every else "none"
