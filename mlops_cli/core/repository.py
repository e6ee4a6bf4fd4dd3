"""One project's store and settings, opened."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core import alive
from mlops_cli.core import layout as layouts
from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.layout import Layout
from mlops_cli.core.lock import hold
from mlops_cli.core.refs import Refs
from mlops_cli.core.stat_cache import StatCache
from mlops_cli.core.writing import Writing
from mlops_cli.errors import StateError

if TYPE_CHECKING:
    from mlops_cli.core.config import Settings
    from mlops_cli.core.git import Identity
    from mlops_cli.core.objects import ObjectStore

FORMAT = 1
FORMAT_TEXT = f"mlo store {FORMAT}\n"
"""What the `format` file of a store holds, here and on a remote."""


class Repository:
    """What a command works on: where things are, the objects, the refs and the settings."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.on_wait: Callable[[str], None] | None = None
        self._held = threading.local()
        self._writing = Writing(layout.writing)

    @property
    def root(self) -> Path:
        """The project's folder, absolute."""
        return self.layout.root

    @cached_property
    def objects(self) -> "ObjectStore":
        """The object store; loaded when first needed, since `status` often needs none of it."""
        from mlops_cli.core.objects import ObjectStore

        return ObjectStore(self.layout.packs, self.layout.tmp, writing=self.writing)

    @cached_property
    def stat_cache(self) -> StatCache:
        """What is known of the work tree's files without reading them."""
        return StatCache(self.layout.stat_cache, self._writing.age)

    @cached_property
    def refs(self) -> Refs:
        """The names that move."""
        return Refs(self.layout.refs, lambda: self.lock("move refs"))

    @cached_property
    def settings(self) -> "Settings":
        """What `.mlops.yaml` says; all defaults when there is none."""
        from mlops_cli.core.config import load

        return load(self.layout.settings)

    @cached_property
    def identity(self) -> "Identity":
        """Who git says is at work; asked once."""
        from mlops_cli.core.git import identity

        return identity(self.root)

    @cached_property
    def clone_id(self) -> str:
        """The name of this clone, 16 hex digits, which its audit chain goes by.

        A project that was copied with all its files is another clone, and gets another name: two
        that append to one chain could never be brought together again.
        """
        return self.named_clone or _name_clone(self.layout)

    @property
    def named_clone(self) -> str | None:
        """The name of this clone; None for a copy that has none of its own yet.

        For those who only read, as where nothing can be written: no entry goes by a name that
        would be given now.
        """
        try:
            held = self.layout.clone.read_text(errors="replace")
        except FileNotFoundError:
            held = ""
        name, _, inode = held.strip().partition(" ")
        return name if inode == str(os.stat(self.layout.packs).st_ino) else None

    def writing(self) -> AbstractContextManager[None]:
        """Keep `gc` from removing anything for a `with` block.

        Whoever puts objects, or counts on some that are there, and then names them in a pointer, a
        ref or an open run, does all of it in one such block. Blocks may lie in each other.
        """
        return self._writing.share(aged=self._doubt, on_wait=self.on_wait)

    def _doubt(self) -> None:
        if "objects" in self.__dict__:
            self.objects.refresh()
        if "stat_cache" in self.__dict__:
            self.stat_cache.doubt(self._writing.age)

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Be the only writer for a `with` block; a thread that has the lock may take it again."""
        depth = getattr(self._held, "depth", 0)
        if depth:
            yield
            return
        with hold(self.layout.lock, purpose=purpose, on_wait=self.on_wait):
            self._held.depth = 1
            try:
                yield
            finally:
                self._held.depth = 0


def open_repository(start: Path) -> Repository:
    """Return the repository that holds `start`; a fresh git clone gets its `.mlo/` here.

    Raises:
        NotARepository: neither `.mlops.yaml` nor `.mlo/` is there, nor in any folder above.
        StateError: the store has a format that this version does not read.
    """
    layout = layouts.find(start)
    try:
        text = layout.format.read_text(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return create(layout.root)
    if text != FORMAT_TEXT:
        raise StateError(
            f"the store in '{layout.store}' has the format '{text.strip()[:40]}', unknown here",
            hint="use a newer mlo",
        )
    alive.announce(layout.tmp)
    return Repository(layout)


def create(root: Path) -> Repository:
    """Make the store of the project at `root` and return it opened; harmless when it is there."""
    layout = Layout(root.absolute())
    try:
        for folder in (layout.packs, layout.tmp, layout.open_runs, layout.predictions):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise outside(error, layout.mlo) from error
    with hold(layout.lock, purpose="init"):
        if not layout.clone.exists():
            _name_clone(layout)
        write_whole(layout.mlo / ".gitignore", b"*\n", durable=False)
        if not layout.format.exists():
            write_whole(layout.format, FORMAT_TEXT.encode())
    alive.announce(layout.tmp)
    return Repository(layout)


def _name_clone(layout: Layout) -> str:
    """Give a clone its name, kept with the inode of a folder that no copy shares."""
    name = os.urandom(8).hex()
    write_whole(layout.clone, f"{name} {os.stat(layout.packs).st_ino}\n".encode())
    return name
