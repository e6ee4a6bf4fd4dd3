"""Why a run came out otherwise: where it first did, and what may be or is to blame."""

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from mlops_cli.core.config_steps import is_path
from mlops_cli.core.records import dataclass
from mlops_cli.pipeline.reproduction.differences import NOT_SET, Difference
from mlops_cli.pipeline.reproduction.surroundings import Surroundings
from mlops_cli.runs.record import Number, Run, StepRun

Look = Callable[[Surroundings], Mapping[str, str] | None]
"""Does the step once more, and returns what came of it: ids of what it wrote, and its metrics.

None when it failed.
"""

_PATIENCE_S = 300.0
"""As long as looking for causes may take before no further trial is begun."""
_ONE_THREAD: Mapping[str, str | None] = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
}
_MISSING_FILE = re.compile(
    r"(?:No such file or directory|cannot find the file|does not exist|cannot open)"
    r"[^'\"\n]{0,20}['\"]([^'\"\n]+)['\"]"
    r"|['\"]?([^\s'\":]+)['\"]?: No such file or directory"
    r"|cannot open ['\"]?([^\s'\":]+)['\"]?(?: for reading|: No such file)"
)
_MISSING_MODULE = re.compile(r"No module named ['\"]([\w.]+)['\"]")


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that may be why a run came out otherwise.

    Attributes:
        kind: such as `package`, `variable`, `randomness`, `undeclared input`.
        recorded: what it was then, where that can be said.
        here: what it is here.
        proven: whether putting it right was tried, and made the difference go away or stay.
        why: what was seen, in a few words.
    """

    kind: str
    name: str
    recorded: str = ""
    here: str = ""
    proven: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class First:
    """Where a run first came out otherwise although it began with the same.

    Attributes:
        step: None where the run is a command.
        outputs: what it wrote that differs; empty when it failed.
        metrics: those that differ.
        made_by: key of the run that made its outputs then.
    """

    step: str | None
    outputs: tuple[str, ...]
    metrics: tuple[str, ...]
    made_by: str


def first(then: Run, now: Run, differing: Collection[str]) -> First:
    """Return where two runs part: the first step whose outputs differ though its inputs do not.

    `differing` are the paths of outputs that are not the same bytes.
    """
    everything = tuple(sorted(differing))
    whole = First(None, everything, _other(then.metrics, now.metrics), then.key)
    again = {step.name: step for step in now.steps}
    for step in then.steps:
        other = again.get(step.name)
        if other is None or other.state == "failed":
            return First(step.name, (), (), step.run)
        wrote = tuple(sorted(path for path in step.outs if path in differing))
        numbers = _other(step.metrics, other.metrics)
        if (wrote or numbers) and not _made_otherwise(step, other, then):
            return First(step.name, wrote, numbers, step.run)
    return whole


def _other(then: Mapping[str, Number], now: Mapping[str, Number]) -> tuple[str, ...]:
    return tuple(
        name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)
    )


def _made_otherwise(step: StepRun, other: StepRun, then: Run) -> bool:
    """Return whether a step read something that a step before it made otherwise."""
    made = {path for one in then.steps for path in one.outs}
    return any(
        step.deps.get(dep) != oid
        for dep, oid in other.deps.items()
        if any(dep == path or dep.startswith(path + "/") for path in made)
    )


def of_failure(then: Run, now: Run, log: str, folder: str) -> list[Cause]:
    """Return why what was done again in a folder failed, as far as its log tells."""
    found = []
    named = {one.path for one in then.inputs}
    told = (path.removeprefix(folder + os.sep) for path in _of_groups(_MISSING_FILE, log))
    for path in dict.fromkeys(told):
        if path not in named:
            why = "it was read but not declared, so it is not in the record"
            found.append(Cause("undeclared input", path, here="not there", why=why))
    found += [
        Cause("package", module, here="not installed", why="it could not be imported")
        for module in dict.fromkeys(_MISSING_MODULE.findall(log))
    ]
    why = f"{now.error or 'it failed'}; what it printed: mlo runs show {now.name} --log"
    return found or [Cause("failure", "a failure", why=why)]


def of_inputs(step: StepRun, other: StepRun) -> list[Cause]:
    """Return what a step was given otherwise: variables, versions, parameters, its command."""
    found = []
    for dep in sorted(step.deps.keys() | other.deps.keys()):
        if step.deps.get(dep) != other.deps.get(dep):
            kind = "input" if is_path(dep) else dep.partition(":")[0]
            kind = {"env": "variable", "model": "model version", "data": "data version"}.get(
                kind, kind
            )
            called = dep if is_path(dep) else dep.partition(":")[2]
            found.append(Cause(kind, called, proven=True, why="it is not what it was"))
    for name in sorted(step.params.keys() | other.params.keys()):
        if step.params.get(name) != other.params.get(name):
            was, now = str(step.params.get(name, "none")), str(other.params.get(name, "none"))
            found.append(Cause("parameter", name, was, now, proven=True))
    if step.cmd != other.cmd:
        found.append(Cause("command", step.name, str(step.cmd), str(other.cmd), proven=True))
    return found


def of_seeds(then: Run, now: Run) -> list[Cause]:
    """Return the seeds that the code chose otherwise."""
    return [
        Cause("seed", name, str(seed), str(now.seeds[name]), proven=True, why="the code chose it")
        for name, seed in then.seeds.items()
        if now.seeds.get(name, seed) != seed
    ]


class Search:
    """Finds out by trial what made a step come out otherwise.

    Attributes:
        untried: what was not tried as it would have taken too long.
    """

    def __init__(
        self,
        look: Look,
        then: Mapping[str, str],
        now: Mapping[str, str],
        surroundings: Surroundings,
    ) -> None:
        """`then` and `now` are what came of it, of that what differs."""
        self._look = look
        self._then = then
        self._now = now
        self._surroundings = surroundings
        self._begun = time.monotonic()
        self.untried: list[str] = []

    def noise(self) -> list[Cause]:
        """Return what differs from one time to the next, here and now; nothing if all is steady."""
        again = self._try({}, "a second time")
        if again is None or again == self._now:
            return []
        paths = ", ".join(path for path in self._now if again.get(path) != self._now[path])
        cause = Cause(
            "randomness",
            "unseeded randomness",
            proven=True,
            why=f"made twice here, {paths} differed too: seed every generator (mlo.seed(7) in "
            "Python), and write no times",
        )
        if self._steady({"PYTHONHASHSEED": "0"}):
            return [
                Cause(
                    "randomness",
                    "PYTHONHASHSEED",
                    proven=True,
                    why="what depends on the order of sets; with PYTHONHASHSEED=0 it is steady",
                )
            ]
        if self._steady(_ONE_THREAD):
            why = "what depends on which thread is first; with one thread it is steady"
            return [Cause("randomness", "threads", proven=True, why=why)]
        return [cause]

    def of_variables(self, found: Sequence[Difference]) -> list[Cause]:
        """Return the variables, of those that differ, that make the outputs what they were."""
        changes = {one.name: _value(one.recorded) for one in found if one.kind == "variable"}
        if not changes or not self._restores(changes):
            return []
        told = {one.name: one for one in found if one.kind == "variable"}
        alone = [name for name in changes if self._restores({name: changes[name]})]
        if len(changes) == 1:
            alone = list(changes)
        return [
            Cause(
                "variable",
                name,
                told[name].recorded,
                told[name].here,
                proven=True,
                why="set as it was, the outputs are the same bytes again",
            )
            for name in (alone or changes)
        ]

    def of_kernel(self, recorded: Mapping[str, Any], here: Mapping[str, Any]) -> list[Cause]:
        """Return the BLAS kernel, if that of the recorded processor gives the outputs of then."""
        if "cpu_flags" not in recorded or recorded.get("cpu") == here.get("cpu"):
            return []
        then, now = kernel(recorded["cpu_flags"]), kernel(here.get("cpu_flags", []))
        if not self._restores({"OPENBLAS_CORETYPE": then}):
            return []
        why = f"with OPENBLAS_CORETYPE={then} the outputs are the same bytes again"
        return [Cause("BLAS kernel", "OpenBLAS", then, now, proven=True, why=why)]

    def _steady(self, changes: Mapping[str, str | None]) -> bool:
        """Return whether two runs with these variables give the same."""
        one = self._try(changes, "with other variables")
        return one is not None and one == self._try(changes, "with other variables")

    def _restores(self, changes: Mapping[str, str | None]) -> bool:
        return self._try(changes, f"with {', '.join(changes)} as then") == self._then

    def _try(self, changes: Mapping[str, str | None], what: str) -> Mapping[str, str] | None:
        if time.monotonic() - self._begun > _PATIENCE_S:
            if what not in self.untried:
                self.untried.append(what)
            return None
        found = self._look(self._surroundings.with_variables(changes))
        return (
            None if found is None else {path: found[path] for path in self._then if path in found}
        )


def suspects(found: Sequence[Difference]) -> Iterator[Cause]:
    """Yield what differs between two environments as possible causes."""
    for one in found:
        yield Cause(one.kind, one.name, one.recorded, one.here)


def kernel(flags: Collection[str]) -> str:
    """Return what OpenBLAS calls the kernel it chooses on an Intel or AMD processor.

    >>> kernel(["avx", "avx2", "fma"]), kernel(["sse4_2"])
    ('Haswell', 'Nehalem')
    """
    for needed, name in (
        (("avx512_bf16",), "Cooperlake"),
        (("avx512f", "avx512vl"), "SkylakeX"),
        (("avx2", "fma"), "Haswell"),
        (("avx",), "Sandybridge"),
        (("sse4_2",), "Nehalem"),
    ):
        if all(flag in flags for flag in needed):
            return name
    return "Prescott"


def holds_folder(data: bytes, folder: str) -> bool:
    """Return whether the path of the folder that it was made in is in a file."""
    return os.fsencode(folder) in data


def _value(told: str) -> str | None:
    return None if told == NOT_SET else told


def _of_groups(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for groups in pattern.findall(text):
        yield from filter(None, groups)
