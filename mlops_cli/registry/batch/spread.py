"""Parts that other processes ask the model about.

The rows go by a file in the folder of the parts, whose checksum goes with the task; the answers
come back as a part that is done. So a process that dies costs one part.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_cli.core.files import write_whole
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import ExternalError, IntegrityError, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.batch import answers
from mlops_cli.registry.batch.answering import answering
from mlops_cli.registry.batch.asking import Ask
from mlops_cli.registry.batch.reading import Part

if TYPE_CHECKING:
    from mlops_cli.registry.models import Version

_WAIT_S = 0.2


class Doer(Protocol):
    """Does tasks elsewhere: an engine, as far as it is needed here."""

    def width(self) -> int:
        """Return how many it does at once."""

    def submit(self, key: str, payload: Mapping[str, Any]) -> None:
        """Take a task, for which `work` is called."""

    def ended(self, wait_s: float) -> list[tuple[str, str | None]]:
        """Return the keys of tasks that have ended, and why they failed if they did."""


class Spread:
    """Tasks under way for the parts of one job."""

    def __init__(
        self, doer: Doer, repo: Repository, version: "Version", runtime: str, folder: Path
    ) -> None:
        self._doer = doer
        self._folder = folder
        self._told = {
            "root": str(repo.root),
            "reference": f"{version.model}@{version.id}",
            "runtime": runtime,
            "folder": str(folder.resolve()),
        }
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
        write_whole(_rows(self._folder, number), data, durable=False)
        told = {**self._told, "number": number, "first": part.first, "rows": part.rows}
        self._doer.submit(str(number), {**told, "check": blake3(data).hexdigest()})

    def wait(self, number: int) -> None:
        """Return when a part is answered.

        Raises:
            RequestError: the model refuses its rows.
            ExternalError: it failed, or its process died again and again.
        """
        while str(number) not in self._ended:
            for key, problem in self._doer.ended(_WAIT_S):
                if problem is not None:
                    refused = problem.startswith("the model ")
                    raise (RequestError if refused else ExternalError)(problem)
                self._ended.add(key)
        self._ended.discard(str(number))
        _rows(self._folder, number).unlink(missing_ok=True)


def _rows(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.rows"


_loaded: dict[tuple[str, str, str], Ask] = {}


def work(payload: Mapping[str, Any], _place: int, _line: object) -> None:
    """Answer one part, in another process.

    Raises:
        IntegrityError: the rows are not those that were given.
        RequestError: the model refuses them.
    """
    from blake3 import blake3

    folder, number = Path(payload["folder"]), int(payload["number"])
    data = _rows(folder, number).read_bytes()
    if blake3(data).hexdigest() != payload["check"]:
        raise IntegrityError(f"the rows of part {number} are damaged")
    ask = _asked(payload["root"], payload["reference"], payload["runtime"])
    try:
        found = ask(pickle.loads(data))
    except RequestError as error:
        span = f"rows {payload['first'] + 1} to {payload['first'] + payload['rows']}"
        raise RequestError(f"{error.message} ({span})", hint=error.hint) from error
    answers.keep(folder, number, found)


def _asked(root: str, reference: str, runtime: str) -> Ask:
    key = root, reference, runtime
    if key not in _loaded:
        repo = open_repository(Path(root))
        _loaded[key] = answering(repo, models.resolve(repo, reference), runtime).ask
    return _loaded[key]
