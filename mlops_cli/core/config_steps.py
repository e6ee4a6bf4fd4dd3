"""What `.mlops.yaml` says of a step: the unit of the pipeline."""

from collections.abc import Mapping
from typing import Literal

from mlops_cli.core.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Out:
    """A file or folder that a step writes. Paths are POSIX, relative to the project's root."""

    path: str
    cache: bool = True
    """Whether its content is kept in the store; without, git may keep it."""
    persist: bool = False
    """Whether it stays where it is when the step runs again."""
    on_failure: Literal["keep", "remove"] = "keep"
    """What becomes of it when the step fails."""


@dataclass(frozen=True, slots=True)
class Plot(Out):
    """A table that a step writes, and how to draw it."""

    x: str | None = None
    y: tuple[str, ...] = ()
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A version of a model or of data that a step needs."""

    kind: Literal["model", "data"]
    name: str
    """Such as `churn@production` or `data/raw.csv@v1.0`."""
    path: str | None = None
    """Where it is put before the step runs."""

    @property
    def key(self) -> str:
        """What it is called among the dependencies of a step."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of the pipeline."""

    name: str
    cmd: str | tuple[str, ...]
    """A shell line, or the words of a command that no shell reads."""
    deps: tuple[str, ...] = ()
    """Files, folders, and patterns such as `data/*.csv` or `src/**`."""
    variables: tuple[str, ...] = ()
    """Variables of the environment that it reads."""
    references: tuple[Reference, ...] = ()
    steps: tuple[str, ...] = ()
    """Steps, or groups of them, all whose outputs it needs."""
    params: tuple[str, ...] = ()
    """Dotted keys into `Settings.params`; a key that holds a mapping stands for all of it."""
    param_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Dotted keys into YAML, JSON or TOML files, by path; none stand for all of a file."""
    outs: tuple[Out, ...] = ()
    metrics: tuple[Out, ...] = ()
    """JSON or YAML files of numbers that the step writes; outputs too."""
    plots: tuple[Plot, ...] = ()
    """Tables to draw that the step writes; outputs too."""
    when: str | None = None
    """An expression over parameters; the step is off where it does not hold."""
    retries: int = 0
    """How often it is tried again after it failed."""
    timeout_s: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that it runs with, beside those of the environment."""
    workdir: str | None = None
    """The folder that its command runs in; None: the project's root."""
    resources: Mapping[str, float] = field(default_factory=lambda: {"cpus": 1})
    """How much it takes of what the machine, or `Settings.resources`, has."""
    group: str | None = None
    """The name it was written under, for one of several made by `foreach` or `matrix`."""
    frozen: bool = False
    """Whether it is left alone, whatever changed."""
    validate: bool | tuple[str, ...] = False
    """Whether data that it needs or writes must pass its schema, or which of it."""
    desc: str | None = None
    notebook: str | None = None
    """The notebook that it runs, in place of a command."""
    where: str = field(default="", compare=False, repr=False)
    """Where it is written, for errors: `.mlops.yaml:12: `."""

    @property
    def files(self) -> tuple[Out, ...]:
        """All that it writes: outs, metrics and plots, each path once."""
        if not self.metrics and not self.plots:
            return self.outs
        every: dict[str, Out] = {}
        for out in (*self.outs, *self.metrics, *self.plots):
            every.setdefault(out.path, out)
        return tuple(every.values())


def is_path(dep: str) -> bool:
    """Return whether a dependency, as records and `mlo.lock` call it, is a path.

    >>> is_path("data/raw.csv"), is_path("env:HOME"), is_path("model:churn@production")
    (True, False, False)
    """
    return not dep.startswith(("env:", "model:", "data:"))
