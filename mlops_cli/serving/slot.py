"""The versions of one model that are at work, and their replacement while requests go on.

A thread looks every `POLL_S` seconds whether the repository's refs file was replaced. If the
reference now means another version, or others are to stand beside it, what is new is loaded
beside, asked to predict one row, and then takes its place by a single assignment. Requests keep the
version that they were checked against until they are answered. A version that fails leaves
things as they were.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.errors import MloError
from mlops_cli.serving.live import Live, in_role, warmed
from mlops_cli.serving.routing import Beside, Routing

POLL_S = 0.1
RETRY_S = 5.0
_LONGEST_RETRY_S = 300.0
_MAIN = "answer"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version that is to stand beside the one that answers, not loaded yet."""

    role: str
    reference: str
    version_id: str
    load: Callable[[], Live]
    share: float
    by: str | None = None
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The version that a reference means now, not loaded yet, and those beside it."""

    reference: str
    version_id: str
    load: Callable[[], Live]
    beside: tuple[Wanted, ...] = ()
    stage: str = "production"
    """Whose routes it follows."""
    fields: tuple[str, ...] = ()
    """Fields that requests may have beside the inputs: they have told users apart."""


class Slot:
    """The place of one model in a server."""

    def __init__(
        self, find: Callable[[], Found], refs: Path, *, say: Callable[[str], None]
    ) -> None:
        """Load what `find` finds and warm it.

        `refs` is the file whose replacement can change that; `say` is told of each change.

        Raises:
            MloError: there is no such version, or it does not load.
        """
        self.swaps = 0
        self.failures = 0
        self.failure: str | None = None
        self._find = find
        self._refs = refs
        self._say = say
        self._seen = _stamp(refs)
        self._retry_at: float | None = None
        self._retry_s = RETRY_S
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="swap", daemon=True)
        found = find()
        self.stage = found.stage
        main = _loaded(found.load, _MAIN, found.reference)
        self.routing = Routing(main, main)
        failed = self._arrange(found, main)
        if failed is not None:
            raise failed

    @property
    def live(self) -> Live:
        """The version that answers."""
        return self.routing.main

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.routing.main.model

    def watch(self) -> None:
        """Start to follow the reference."""
        self._thread.start()

    def look(self) -> None:
        """Follow the reference now, if refs have moved or something is to be tried again."""
        stamp = _stamp(self._refs)
        due = self._retry_at is not None and time.monotonic() >= self._retry_at
        if stamp != self._seen:
            self._seen, self._retry_s = stamp, RETRY_S
            self._follow()
        elif due:
            self._follow()

    def quiet(self) -> None:
        """Say nothing from now on: another process that follows the same does."""
        self._say = lambda _: None

    def close(self) -> None:
        """Stop following; a version that is being loaded is not waited for."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            self.look()

    def _follow(self) -> None:
        try:
            found = self._find()
            failed = self._arrange(found, self._main(found))
            if failed is not None:
                raise failed
        except MloError as error:
            self._fail(error.message)
        except Exception as error:  # noqa: BLE001  whatever a model file does, the old one serves
            self._fail(f"{type(error).__name__}: {error}")
        else:
            self.failure = self._retry_at = None

    def _main(self, found: Found) -> Live:
        return self._at_work(found.version_id, _MAIN, found.reference) or _loaded(
            found.load, _MAIN, found.reference
        )

    def _at_work(self, version_id: str, role: str, reference: str) -> Live | None:
        """Return the version if it is loaded already, in the role that it is to have."""
        for live in self.routing.all:
            if live.version_id == version_id:
                return in_role(live, role, reference)
        return None

    def _arrange(self, found: Found, main: Live) -> Exception | None:
        """Let `main` answer, beside it what loads of what was found; return why one did not."""
        beside: list[Beside] = []
        shadow = by = None
        salt = ""
        failed: Exception | None = None
        for wanted in found.beside:
            try:
                live = self._at_work(wanted.version_id, wanted.role, wanted.reference) or _loaded(
                    wanted.load, wanted.role, wanted.reference
                )
            except Exception as error:  # noqa: BLE001  as above
                failed = error
                continue
            if wanted.role == "shadow":
                shadow = Beside(live, wanted.share)
            else:
                beside.append(Beside(live, wanted.share))
                by, salt = wanted.by, wanted.salt
        before = self.routing
        compared = any(one.live.role == "ab" for one in beside)
        rest = in_role(main, "ab", main.reference) if compared else main
        self.routing = Routing(main, rest, tuple(beside), by, salt, shadow, found.fields)
        self._tell(before, self.routing)
        return failed

    def _tell(self, before: Routing, after: Routing) -> None:
        old, fresh = before.main, after.main
        if old.version_id != fresh.version_id:
            self.swaps += 1
            self._say(
                f"{fresh.model} v{fresh.version} ({fresh.reference}) answers from now on,"
                f" in place of v{old.version}"
            )
        were, are = _parts(before), _parts(after)
        for part in are - were:
            self._say(f"{fresh.model} {part} from now on")
        gone = {(role, version) for role, version, _ in _keys(before)}
        gone -= {(role, version) for role, version, _ in _keys(after)}
        for role, version in sorted(gone):
            self._say(f"{fresh.model} v{version} is no {_NOUNS[role]} any more")

    def _fail(self, why: str) -> None:
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)
        if why != self.failure:
            self.failure = why
            self.failures += 1
            self._say(f"{self.live.model} v{self.live.version} goes on answering: {why}")


_NOUNS = {"canary": "canary", "ab": "part of an experiment", "shadow": "shadow"}


def _keys(routing: Routing) -> set[tuple[str, int, float]]:
    shadow = () if routing.shadow is None else (routing.shadow,)
    return {(one.live.role, one.live.version, one.share) for one in (*routing.beside, *shadow)}


def _parts(routing: Routing) -> set[str]:
    return {
        f"v{version} sees {share:.4g} of the requests as a shadow".replace("sees 1 of", "sees all")
        if role == "shadow"
        else f"v{version} answers {100 * share:.4g}% of the requests as {_AS[role]}"
        for role, version, share in _keys(routing)
    }


_AS = {"canary": "a canary", "ab": "an arm of an experiment"}


def _loaded(load: Callable[[], Live], role: str, reference: str) -> Live:
    return in_role(warmed(load()), role, reference)


def _stamp(path: Path) -> Sequence[int]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ino, found.st_size)
