"""What was known of a run when it began, and how it ended: lines of its journal."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from mlops_cli.core.records import dataclass, field
from mlops_cli.runs.record import Status

END = "end"
"""The name in a journal's line that says how the run ended."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was known of a run when it began; see `record.Run`."""

    key: str
    name: str
    command: str | tuple[str, ...]
    started: str
    started_ns: int
    pid: int
    who: Mapping[str, str]
    host: str
    code: Mapping[str, Any]
    """Of `record.Code` all but the bundle, which is in a file of its own."""
    params: Mapping[str, Any]
    environment: Mapping[str, Any]
    parent: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    engine: str | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended.

    Attributes:
        taken: what is known of its use of the machine, beside the samples.
    """

    status: Status
    exit_code: int | None
    error: str | None = None
    ended_ns: int = 0
    taken: Mapping[str, float] = field(default_factory=dict)


def last_end(lines: Iterable[Mapping[str, Any]]) -> End | None:
    """Return how a run ended as these lines of its journal say; None when they do not."""
    found = None
    for line in lines:
        if END in line:
            with suppress(TypeError):
                found = End(**line[END])
    return found


def written(head: Head) -> bytes:
    """Return the line that holds what was known of a run when it began."""
    held = {name: getattr(head, name) for name in Head.__slots__ if name != "environment"}
    ran_in = _environment(head.environment)  # most of it
    return json.dumps(held).encode()[:-1] + b',"environment":' + ran_in + b"}\n"


_last_environment: tuple[Mapping[str, Any], bytes] = {}, b"{}"
"""Runs that are begun one after the other share it."""


def _environment(held: Mapping[str, Any]) -> bytes:
    global _last_environment
    last, data = _last_environment
    if held is not last:
        data = json.dumps(held).encode()
        _last_environment = held, data
    return data


def read(journal: BinaryIO) -> tuple[Head | None, int]:
    """Return what was known when a run began, and how long the line is that says it.

    None for a journal of another kind; while its first line is not whole, that has no length.
    """
    line = journal.readline()
    if not line.endswith(b"\n"):
        return None, 0
    try:
        held = json.loads(line)
        if isinstance(held["command"], list):
            held["command"] = tuple(held["command"])
        return Head(**{**held, "tags": tuple(held["tags"])}), len(line)
    except (KeyError, TypeError, ValueError):
        return None, len(line)
