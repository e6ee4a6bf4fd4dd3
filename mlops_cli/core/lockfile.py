"""`mlo.lock`: what each step last consumed and produced, committed to git.

The file is YAML in its JSON form, one fact a line and sorted, so that git merges and shows it
line by line, and reading it needs no YAML parser.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from mlops_cli.core.files import read_regular
from mlops_cli.core.ids import ObjectId, is_id
from mlops_cli.core.records import dataclass, field
from mlops_cli.errors import ExternalError, RequestError

VERSION = 1
NO_RUN = "0" * 12
"""Stands for the run of a step that another tool made up to date."""
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


@dataclass(frozen=True, slots=True)
class LockedOutput:
    """One output of a step: its id, whether it is a file or a folder, and its bytes."""

    oid: ObjectId
    kind: Literal["file", "folder"]
    size: int


@dataclass(frozen=True, slots=True)
class LockedStep:
    """What one step last consumed and produced.

    Attributes:
        cmd: the command as it ran, parameters filled in; a list ran without a shell.
        deps: id of each dependency: of a file or folder by path, of the value of a variable by
            `env:NAME`, of a version by `model:NAME` or `data:NAME`.
        params: value of each parameter it depends on, by dotted name; of those in a file by
            `FILE:NAME`.
        outs: outputs and metrics files by path, whose content is in the store.
        metrics: the numbers it reported, by dotted name.
        run: key of the run that made the outputs.
        workdir: the folder that the command ran in; None for the project's root.
        uncached: outputs whose content the store does not keep, by path.
    """

    cmd: str | tuple[str, ...]
    deps: Mapping[str, ObjectId]
    params: Mapping[str, Any]
    outs: Mapping[str, LockedOutput]
    metrics: Mapping[str, float | str]
    run: str
    workdir: str | None = None
    uncached: Mapping[str, LockedOutput] = field(default_factory=dict)

    @property
    def written(self) -> Mapping[str, LockedOutput]:
        """All outputs by path."""
        return {**self.outs, **self.uncached} if self.uncached else self.outs


Lock = Mapping[str, LockedStep]


def read(path: Path) -> dict[str, LockedStep]:
    """Return the steps of a lock file by name; none when there is no such file.

    Raises:
        RequestError: it is not a lock file, or git left conflict markers in it.
    """
    try:
        data = read_regular(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExternalError(f"cannot read '{path.name}': {reason}") from error
    return decode(data, where=path.name)


def decode(data: bytes, *, where: str) -> dict[str, LockedStep]:
    """Return the steps that the bytes of a lock file hold; `where` names it in errors."""
    text = data.decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_MARKERS):
            raise RequestError(
                f"'{where}' line {number} has a merge conflict",
                hint=f"mlo merge, or take a side, git checkout --ours {where}, then: mlo run",
            )
    try:
        held = json.loads(text)
    except ValueError as error:
        raise _malformed(where, str(error)) from error
    if not isinstance(held, dict) or held.get("version") != VERSION:
        raise _malformed(where, f"it has no 'version: {VERSION}'")
    try:
        return {name: _step(step) for name, step in held["steps"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _malformed(where, f"wrong or missing: {error}") from error


def encode(steps: Lock) -> bytes:
    """Return the bytes of a lock file."""
    held = {"version": VERSION, "steps": {name: _plain(step) for name, step in steps.items()}}
    text = json.dumps(held, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogateescape") + b"\n"


def _plain(step: LockedStep) -> dict[str, Any]:
    return {
        "cmd": step.cmd if isinstance(step.cmd, str) else list(step.cmd),
        "deps": dict(step.deps),
        "params": dict(step.params),
        "outs": {
            **{path: _plain_output(out) for path, out in step.outs.items()},
            **{path: {**_plain_output(out), "cache": False} for path, out in step.uncached.items()},
        },
        "metrics": dict(step.metrics),
        "run": step.run,
        **({} if step.workdir is None else {"workdir": step.workdir}),
    }


def _plain_output(out: LockedOutput) -> dict[str, Any]:
    return {"id": out.oid, "kind": out.kind, "size": out.size}


def _step(held: dict[str, Any]) -> LockedStep:
    cmd, outs = held["cmd"], held["outs"]
    return LockedStep(
        cmd=cmd if isinstance(cmd, str) else tuple(map(str, cmd)),
        deps={path: _id(oid) for path, oid in held["deps"].items()},
        params=dict(held["params"]),
        outs={path: _output(out) for path, out in outs.items() if out.get("cache", True)},
        uncached={path: _output(out) for path, out in outs.items() if not out.get("cache", True)},
        metrics=dict(held["metrics"]),
        run=str(held["run"]),
        workdir=str(held["workdir"]) if "workdir" in held else None,
    )


def _output(held: dict[str, Any]) -> LockedOutput:
    if held["kind"] not in ("file", "folder"):
        raise ValueError(f"kind '{held['kind']}'")
    return LockedOutput(_id(held["id"]), held["kind"], int(held["size"]))


def _id(text: str) -> ObjectId:
    if not isinstance(text, str) or not is_id(text):
        raise ValueError(f"id '{text}'")
    return ObjectId(text)


def _malformed(where: str, reason: str) -> RequestError:
    return RequestError(
        f"'{where}' is not a lock file: {reason}",
        hint=f"bring back a good one, git checkout {where}, or delete it, then: mlo run",
    )
