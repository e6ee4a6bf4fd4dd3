"""Another git project at one revision: on this machine as it is, or from a URL as a clone."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core import git, git_clone
from mlops_cli.core.layout import Layout
from mlops_cli.errors import RequestError
from mlops_cli.imports import local, urls

_BY_GIT = frozenset({"http", "https", "ssh", "git", "git+ssh"})


@dataclass(frozen=True, slots=True)
class Project:
    """A git repository of somebody else's, and the commit of it that is meant.

    Attributes:
        url: what people are told of it.
        root: where git is asked; nothing is written there.
        here: whether it is on this machine, with a store and cache maybe.
    """

    url: str
    root: Path
    commit: str
    here: bool


@contextmanager
def opened(layout: Layout, url: str, revision: str | None) -> Iterator[Project]:
    """Open the project at a path, from the root of `layout`, or at a URL that git can clone.

    Raises:
        RequestError: it is no git project, or has no such revision.
        ExternalError: git cannot clone it.
    """
    if not is_remote(url):
        folder = local.place(layout.root, url)
        if not folder.is_dir():
            raise RequestError(f"there is no project at '{url}'")
        yield Project(url, folder, _commit(folder, url, revision), here=True)
        return
    clone = layout.tmp / f"clone-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        git_clone.clone(layout.root, url, clone, revision)
        yield Project(url, clone, _commit(clone, url, revision), here=False)
    finally:
        shutil.rmtree(clone, ignore_errors=True)


def is_remote(url: str) -> bool:
    """Return whether git has to clone it: a URL, or `host:path` as ssh has it.

    >>> is_remote("https://example.org/x.git"), is_remote("git@host:a/b"), is_remote("../other")
    (True, True, False)
    """
    scheme = urls.scheme_of(url)
    if scheme is not None:
        return scheme in _BY_GIT
    before, colon, _ = url.partition(":")
    return bool(colon) and "/" not in before


def _commit(folder: Path, url: str, revision: str | None) -> str:
    try:
        return git.resolve(folder, revision or "HEAD")
    except RequestError as error:
        what = f"no revision '{revision}'" if revision else "no commit yet"
        raise RequestError(f"the project '{url}' has {what}") from error
