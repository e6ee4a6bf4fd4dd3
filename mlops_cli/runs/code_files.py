"""What a patch in git's form changes: each file, and by how many lines."""

import re

from mlops_cli.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that differs; `added` and `removed` count lines, and are None where it is no text."""

    path: str
    added: int | None
    removed: int | None

    def __str__(self) -> str:
        if self.added is None:
            return "differs"
        return f"+{self.added} -{self.removed}"


def without(patch: str, name: str) -> str:
    """Return a patch without what it says of files of this name, in any folder."""
    first, *parts = re.split(r"(?m)^(?=diff --git )", patch)
    head = re.compile(r"@@ -\S+ \+\S+ @@")
    kept = [
        part
        for part in parts
        if _path(head.split(part.removeprefix("diff --git "), maxsplit=1)[0]).rpartition("/")[2]
        != name
    ]
    return "".join([first, *kept])


def changed(patch: str) -> tuple[Changed, ...]:
    r"""Return the files that a patch changes, sorted by path.

    >>> changed("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+b\n+--- c\n")
    (Changed(path='x', added=2, removed=1),)
    """
    parts = re.split(r"(?m)^diff --git ", patch)[1:]
    return tuple(sorted((_changed(part) for part in parts), key=lambda one: one.path))


def _changed(part: str) -> Changed:
    head, *hunks = re.split(r"(?m)^@@ -\S+ \+\S+ @@", part)
    path = _path(head)
    if "\nGIT binary patch" in head or "\nBinary files " in head:
        return Changed(path, None, None)
    lines = [line for hunk in hunks for line in hunk.split("\n")[1:]]
    added = sum(line.startswith("+") for line in lines)
    return Changed(path, added, sum(line.startswith("-") for line in lines))


def _path(head: str) -> str:
    """Return the path in the head of a file's patch: what it is called after, else before."""
    for mark, side in ((r"\+\+\+ ", "b/"), ("--- ", "a/"), ("rename to ", "")):
        found = re.search(rf"(?m)^{mark}(.*)$", head)
        if found and found[1] != "/dev/null":
            return _unquoted(found[1].rstrip("\t")).removeprefix(side)
    first = head.split("\n", 1)[0]
    if first.startswith('"'):
        return _unquoted(first[: first.index('" ') + 1]).removeprefix("a/")
    return first[2 : (len(first) - 1) // 2]


def _unquoted(text: str) -> str:
    """Return a path as it is that git quoted, as C quotes strings."""
    if not text.startswith('"'):
        return text
    plain = text[1:-1].encode("utf-8", "surrogateescape").decode("unicode_escape")
    return plain.encode("latin-1", "replace").decode("utf-8", "replace")
