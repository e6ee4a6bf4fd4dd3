"""Doing again what a run did: all of it, as a run of its own; or one step, only to look."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlops_cli.core.files import inside
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, snapshot
from mlops_cli.errors import MloError, RequestError, StateError
from mlops_cli.pipeline import outputs
from mlops_cli.pipeline import run as pipeline
from mlops_cli.pipeline.choice import choose
from mlops_cli.pipeline.notebook import command_of
from mlops_cli.pipeline.plan import Plan
from mlops_cli.pipeline.reproduction import materials
from mlops_cli.pipeline.reproduction.surroundings import Surroundings, processors
from mlops_cli.pipeline.watcher import Watcher
from mlops_cli.runs import code, command, metrics, process
from mlops_cli.runs.begin import begin
from mlops_cli.runs.names import REPRODUCES
from mlops_cli.runs.params import flatten, override
from mlops_cli.runs.record import Number, Run
from mlops_cli.runs.secrets import MASK

_DOWNSTREAM = "mlo run --downstream"


class Again:
    """A run that is made again in a work tree aside.

    Attributes:
        notes: what of it could not be given again.
    """

    def __init__(
        self, repo: Repository, aside: Repository, run: Run, commit: str, watcher: Watcher
    ) -> None:
        self.aside = aside
        self.notes: list[str] = []
        self._repo = repo
        self._run = run
        self._watcher = watcher
        self._assignments = self._given()
        bundle = b""
        if run.code.bundle is not None and repo.objects.has(run.code.bundle):
            bundle = repo.objects.get(run.code.bundle)
        self._state = code.State(run.code.commit, run.code.branch, commit, bundle)

    def whole(self, surroundings: Surroundings) -> Run:
        """Do all of it, and return the record."""
        tags = (REPRODUCES + self._run.key,)
        environ = surroundings.within(self.aside)
        with processors(surroundings.cpus):
            if not self._run.steps:
                return command.run(
                    self.aside,
                    self._words(),
                    folder=self._folder(),
                    environ=environ,
                    assignments=self._assignments,
                    inputs=[self.aside.root / one.path for one in self._run.inputs],
                    outputs=[self.aside.root / one.path for one in self._run.outputs],
                    tags=tags,
                    state=self._state,
                    stdout=2,
                    pass_input=False,
                )
            outcome = pipeline.run(
                self.aside,
                [step.name for step in self._run.steps if str(step.state) != "off"],
                watcher=self._watcher,
                environ=environ,
                assignments=self._assignments,
                force=True,
                downstream=str(self._run.command).startswith(_DOWNSTREAM),
                resolve=materials.resolver(self._run),
                tags=tags,
                state=self._state,
            )
        assert outcome.run is not None, "what is forced runs"
        return outcome.run

    def look(
        self, step: str | None, made: Run, surroundings: Surroundings
    ) -> dict[str, str] | None:
        """Do one step again, or the command, and return what came of it; None when it failed.

        That is, by path, the ids of what it wrote, and by `metric NAME` its metrics. What it needs
        must be there; what `made` wrote there is there again afterwards.
        """
        written = [out for out in made.outputs if step is None or out.step == step]
        for out in written:
            outputs.clear(self.aside, out.path)
        environ = surroundings.within(self.aside)
        plan = None if step is None else self._plan(step, environ)
        ended, numbers = self._execute(plan, environ, surroundings.cpus)
        ended.check()
        numbers |= self._in_files(plan)
        found: dict[str, str] = {f"metric {name}": repr(held) for name, held in numbers.items()}
        for out in written:
            target = paths.locate(self.aside, out.path)
            if target.exists():
                found[out.path] = snapshot.take(self.aside, target).oid
            outputs.bring_back(self.aside, out)
        return None if ended.code else found

    def _execute(
        self, plan: Plan | None, environ: Mapping[str, str], cpus: int | None
    ) -> tuple[process.Ended, dict[str, Number]]:
        """Run a step or the command unrecorded, and return how it ended and what it logged."""
        opened = begin(
            self.aside,
            self._run.command,
            params=override(self.aside.settings.params, self._assignments),
            environ=environ,
            state=self._state,
        )
        step = None if plan is None else plan.step.name
        try:
            line, folder, more = self._command(plan)
            with processors(cpus), open(os.devnull, "wb") as nowhere:
                ended = process.execute(
                    line,
                    folder=folder,
                    environ={**environ, **more, **opened.variables(self.aside.root, step)},
                    log=opened.log,
                    stdout=nowhere.fileno(),
                    stderr=nowhere.fileno(),
                    pass_input=False,
                    started=lambda pid: opened.note_child(pid, ()),
                )
            return ended, dict(opened.logged().last.get(step or "", {}))
        finally:
            opened.close()

    def _in_files(self, plan: Plan | None) -> dict[str, Number]:
        """Return the metrics in the files of a step."""
        found: dict[str, Number] = {}
        for out in plan.step.metrics if plan is not None else ():
            with suppress(MloError, OSError):
                file = paths.locate(self.aside, out.path)
                found.update(metrics.read_file(file, where=out.path))
        return found

    def _command(self, plan: Plan | None) -> tuple[str | tuple[str, ...], Path, Mapping[str, str]]:
        """Return command, folder and further variables of a step, or of the command."""
        if plan is None:
            return self._words(), self._folder(), {}
        folder = self.aside.root / plan.step.workdir if plan.step.workdir else self.aside.root
        return command_of(plan), folder, plan.env

    def _plan(self, step: str, environ: Mapping[str, str]) -> Plan:
        chosen = choose(
            self.aside,
            [step],
            self._assignments,
            environ=environ,
            resolve=materials.resolver(self._run),
        )
        return chosen.plans[step]

    def _words(self) -> tuple[str, ...]:
        """Return the words of the command, for the Python and the work tree that are used here."""
        words = self._run.command
        assert not isinstance(words, str)
        if any(MASK in word for word in words):
            raise StateError(
                f"the command of run {self._run.name} had a secret in it, which is not recorded",
                hint="let the code read it from a variable of the environment",
            )
        first, *rest = words
        if os.path.isabs(first) and Path(first).name.startswith("python"):
            first = "python"
        root = str(self._repo.root)
        there = str(self.aside.root)
        return tuple(
            there + word[len(root) :] if word == root or word.startswith(root + os.sep) else word
            for word in (first, *rest)
        )

    def _folder(self) -> Path:
        """Return the folder that the command ran in."""
        return inside(self.aside.root, self._run.folder) if self._run.folder else self.aside.root

    def _given(self) -> list[str]:
        """Return the assignments that give parameters the values that were recorded."""
        settings = flatten(self.aside.settings.params)
        found = []
        for name, value in self._run.params.items():
            if name not in settings and settings:
                continue  # the code logged it
            if isinstance(value, str) and MASK in value:
                if name in settings and settings[name] != value:
                    self.notes.append(f"parameter {name} is a secret: its value of now is used")
            elif name not in settings or not _same(settings[name], value):
                found.append(f"{name}={json.dumps(value)}")
        return _sayable(found)


def _same(one: Any, other: Any) -> bool:
    return one == other and type(one) is type(other)


def _sayable(assignments: Sequence[str]) -> list[str]:
    """Return those whose names can be parameters of settings; code may log any name."""
    found = []
    for one in assignments:
        try:
            override({}, [one])
        except RequestError:
            continue
        found.append(one)
    return found
