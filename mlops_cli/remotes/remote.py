"""A named remote of a project: its transport, and what it is known to hold."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from mlops_cli.core import refs
from mlops_cli.core.config import RemoteSettings
from mlops_cli.core.files import write_whole
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.packs import Kind
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError, RequestError, StateError
from mlops_cli.remotes import state
from mlops_cli.remotes.catalogue import Catalogue
from mlops_cli.remotes.kinds import open_transport
from mlops_cli.remotes.state import State
from mlops_cli.remotes.transport import MissingKey, Transport

DEFAULT = "origin"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a remote held when it was read: the bytes of its state, None when it had none."""

    raw: bytes | None
    state: State


class Remote:
    """One entry of `remotes` in the settings."""

    def __init__(self, name: str, transport: Transport, cache: Path) -> None:
        self.name = name
        self.transport = transport
        self.readers: dict[Kind, Callable[[ObjectId, bytes], object]] = {}
        """What reads a record of a kind, or raises; a record that it cannot read is not kept."""
        self.vet: Callable[[str, ObjectId], None] = lambda *_: None
        """Raises if the chain that a ref is to point to does not hold together."""
        self._cache = cache

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the remote was last seen to hold; asks nobody until refreshed."""
        return Catalogue(self._cache)

    def read(self) -> Seen:
        """Return what the remote holds now; nothing yet where there is none.

        Raises:
            StateError: something else is there, or a newer mlo's.
            IntegrityError: its state was changed or cut short.
        """
        try:
            raw = self.transport.read(state.KEY)
        except MissingKey:
            self._refuse_store()
            return Seen(None, State())
        return Seen(raw, state.decode(raw, where=f"{self.transport.url}/{state.KEY}"))

    def _refuse_store(self) -> None:
        """Refuse a project's own store, whose packs come and go."""
        try:
            self.transport.read("format")
        except MissingKey:
            return
        raise StateError(
            f"'{self.transport.url}' is the store of a project, which is no remote",
            hint="name a folder of its own, to which both push",
        )

    def replace(self, seen: Seen, new: State) -> None:
        """Make the remote hold `new` where it still holds what was seen.

        Raises:
            Conflict: somebody else changed it since.
            StateError: it would name so many packs that nobody could read it.
        """
        self.transport.compare_and_swap(state.KEY, seen.raw, state.encode(new))

    def remember(self, found: Mapping[str, ObjectId]) -> None:
        """Note where refs of the remote point, once all they name is here."""
        self._cache.mkdir(parents=True, exist_ok=True)
        write_whole(
            self._cache / "refs", refs.encode({**self.known_refs(), **found}), durable=False
        )

    def known_refs(self) -> dict[str, ObjectId]:
        """Return where the remote's refs pointed when this clone last fetched or pushed them."""
        try:
            return refs.decode((self._cache / "refs").read_bytes(), where=str(self._cache / "refs"))
        except (FileNotFoundError, IntegrityError):
            return {}


def check_name(name: str) -> None:
    """Raise RequestError unless `name` may name a remote, and so a folder under `.mlo/`."""
    if not _NAME.fullmatch(name):
        raise RequestError(f"'{name}' cannot name a remote: use letters, digits, '_' and '-'")


def connect(repo: Repository, name: str | None) -> Remote:
    """Return a remote by its name; without one, `origin`, or the only one there is.

    Raises:
        RequestError: there is no such remote, or its URL is of a kind that is not known.
    """
    remotes = repo.settings.remotes
    if name is None:
        name = next(iter(remotes)) if len(remotes) == 1 else DEFAULT
    if name not in remotes:
        known = ", ".join(sorted(remotes)) or "none"
        raise RequestError(f"there is no remote '{name}' (known: {known})", hint=_meant(repo, name))
    return remote_at(repo, name, remotes[name])


def remote_at(repo: Repository, name: str, settings: RemoteSettings) -> Remote:
    """Return the remote that these settings describe, whatever those of the project say.

    Raises:
        RequestError: its URL is of a kind that is not known.
    """
    check_name(name)
    return Remote(name, _transport(repo, settings), repo.layout.remotes / name)


def _meant(repo: Repository, name: str) -> str:
    """Return what to type instead of a remote that there is not: a path goes after the remote."""
    if _NAME.fullmatch(name) and not (repo.root / f"{name}.mlo").exists():
        return f"mlo remote add {name} URL"
    remotes = repo.settings.remotes
    first = DEFAULT if DEFAULT in remotes else next(iter(remotes), DEFAULT)
    return f"name the remote before the path, as in mlo pull {first} {name}"


def _transport(repo: Repository, settings: RemoteSettings) -> Transport:
    transport = open_transport(settings.url, repo.root)
    if settings.encryption is None:
        return transport
    from mlops_cli.remotes import keys
    from mlops_cli.remotes.encrypted import Encrypted

    key = keys.find(settings.encryption, repo.root)
    return Encrypted(transport, key, aside=repo.layout.tmp)
