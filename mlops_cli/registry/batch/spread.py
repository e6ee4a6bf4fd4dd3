"""Parts that other processes ask the model about.

On this machine the rows go by a file in the folder of the parts, whose checksum goes with the
task, and the answers come back as a part that is done. Elsewhere rows and answers travel with the
task, so that nothing of them stays in a remote; the model is taken from there by its id. A process
that dies costs one part.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mlops_cli.core.files import write_whole
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import ExternalError, IntegrityError, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.batch import answers, away
from mlops_cli.registry.batch.answering import answering
from mlops_cli.registry.batch.asking import Ask
from mlops_cli.registry.batch.reading import Part

if TYPE_CHECKING:
    from mlops_cli.registry.models import Version
    from mlops_cli.remotes.remote import Remote

_WAIT_S = 0.2
_REFUSALS = ("the model ", "the table ")
"""How it begins what `Ask` says of rows that do not fit the model, and not of a machine."""


class Ended(NamedTuple):
    """A task that has ended: why it failed if it did, and what it answered."""

    key: str
    problem: str | None
    answer: bytes | None = None


class Doer(Protocol):
    """Does tasks elsewhere: an engine, as far as it is needed here."""

    def width(self) -> int:
        """Return how many it does at once."""

    def submit(self, key: str, payload: Mapping[str, Any]) -> None:
        """Take a task, for which `work` is called."""

    def ended(self, wait_s: float) -> list[Ended]:
        """Return what became of tasks that have ended."""


class Spread:
    """Tasks under way for the parts of one job."""

    def __init__(
        self,
        doer: Doer,
        repo: Repository,
        version: "Version",
        runtime: str,
        folder: Path,
        remote: "Remote | None" = None,
    ) -> None:
        self._doer = doer
        self._folder = folder
        self._away = remote is not None
        self._told: dict[str, Any] = {"runtime": runtime}
        if remote is None:
            self._told["root"] = str(repo.root)
            self._told["reference"] = f"{version.model}@{version.id}"
            self._told["folder"] = str(folder.resolve())
        else:
            self._told |= away.told(repo, remote, version)
        self._ended: set[str] = set()

    def room(self) -> int:
        """Return how many parts may be under way at once."""
        return self._doer.width() + 1

    def give(self, number: int, part: Part) -> None:
        """Have a part answered.

        Raises:
            ExternalError: the disk refuses.
        """
        from blake3 import blake3

        data = pickle.dumps(part.taken, protocol=5)
        told = {**self._told, "number": number, "first": part.first, "rows": part.rows}
        told["check"] = blake3(data).hexdigest()
        if self._away:
            told["data"] = data
        else:
            write_whole(_rows(self._folder, number), data, durable=False)
        self._doer.submit(str(number), told)

    def wait(self, number: int) -> None:
        """Return when a part is answered.

        Raises:
            RequestError: the model refuses its rows.
            ExternalError: it failed, or its process died again and again.
        """
        while str(number) not in self._ended:
            for key, problem, answer in self._doer.ended(_WAIT_S):
                if problem is not None:
                    refused = problem.startswith(_REFUSALS)
                    raise (RequestError if refused else ExternalError)(problem)
                if answer is not None:
                    answers.keep_coded(self._folder, int(key), answer)
                self._ended.add(key)
        self._ended.discard(str(number))
        _rows(self._folder, number).unlink(missing_ok=True)


def _rows(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.rows"


_loaded: dict[tuple[str, ...], Ask] = {}


def work(payload: Mapping[str, Any], _place: int, _line: object) -> bytes | None:
    """Answer one part, in another process; what is answered elsewhere is returned.

    Raises:
        IntegrityError: the rows are not those that were given.
        RequestError: the model refuses them.
    """
    from blake3 import blake3

    number = int(payload["number"])
    is_away = "remote" in payload
    data = payload["data"] if is_away else _rows(Path(payload["folder"]), number).read_bytes()
    if blake3(data).hexdigest() != payload["check"]:
        raise IntegrityError(f"the rows of part {number + 1} are damaged")
    try:
        found = _asked(payload, is_away=is_away)(pickle.loads(data))
    except RequestError as error:
        span = f"rows {payload['first'] + 1} to {payload['first'] + payload['rows']}"
        raise RequestError(f"{error.message} ({span})", hint=error.hint) from error
    if is_away:
        return answers.coded(found)
    answers.keep(Path(payload["folder"]), number, found)
    return None


def _asked(told: Mapping[str, Any], *, is_away: bool) -> Ask:
    """Return what answers, which a process loads once."""
    named = ("version",) if is_away else ("root", "reference")
    key = (*[str(told[name]) for name in named], told["runtime"])
    if key not in _loaded:
        if is_away:
            _loaded[key] = away.ask(told)
        else:
            repo = open_repository(Path(told["root"]))
            version = models.resolve(repo, told["reference"])
            _loaded[key] = answering(repo, version, told["runtime"]).ask
    return _loaded[key]
