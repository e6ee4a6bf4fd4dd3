"""Keeping git from tracking bytes: a block of lines in the `.gitignore` beside the data."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mlops_cli.core.files import inside, outside, read_regular, write_whole
from mlops_cli.core.layout import Layout
from mlops_cli.core.lock import hold

_FIRST = b"# mlo keeps this block: versioned data and outputs"
_LAST = b"# mlo ends here"
_SPECIAL = frozenset(b"*?[\\")
_ANY_CHARACTER = b"?"


def ignore(root: Path, path: str) -> bool:
    """Have git ignore `path`, relative to `root`; return whether a `.gitignore` was changed.

    The line goes to the `.gitignore` of the folder that holds `path`, into a block of sorted
    lines that is ours; all other lines stay as they are, byte for byte.

    Raises:
        IntegrityError: the path leaves the project.
        ExternalError: the file cannot be read or written.
    """
    return bool(ignore_all(root, [path]))


def ignore_all(root: Path, paths: Iterable[str]) -> list[Path]:
    """Have git ignore many paths; return the `.gitignore` files that were changed.

    Two commands at once both have their lines in.

    Raises:
        IntegrityError, ExternalError: as of `ignore`.
    """
    with _alone(Layout(root).tmp):
        changed = [_extend(root, folder, wanted) for folder, wanted in _lines(root, paths).items()]
    return [file for file in changed if file is not None]


def are_ignored(root: Path, paths: Iterable[str]) -> bool:
    """Return whether `ignore_all` would change nothing."""
    try:
        return all(
            with_lines(held := read_regular(folder / ".gitignore"), wanted) == held
            for folder, wanted in _lines(root, paths).items()
        )
    except OSError:
        return False


def unignore_all(root: Path, paths: Iterable[str]) -> list[Path]:
    """Take the lines of paths out of our blocks; return the `.gitignore` files that were changed.

    A file of which nothing is left is removed. Lines that stand outside of a block stay.

    Raises:
        IntegrityError, ExternalError: as of `ignore`.
    """
    with _alone(Layout(root).tmp):
        changed = [_shorten(root, folder, gone) for folder, gone in _lines(root, paths).items()]
    return [file for file in changed if file is not None]


def _lines(root: Path, paths: Iterable[str]) -> dict[Path, set[bytes]]:
    """Return the lines for paths, by the folder whose `.gitignore` they belong to."""
    lines: dict[Path, set[bytes]] = {}
    for path in paths:
        target = inside(root, path)
        lines.setdefault(target.parent, set()).add(pattern(target.name))
    return lines


def _alone(tmp: Path) -> AbstractContextManager[None]:
    """Keep other commands from writing a `.gitignore`; where there is no store there are none."""
    return hold(tmp / "ignore.lock", purpose="write .gitignore") if tmp.is_dir() else nullcontext()


def _extend(root: Path, folder: Path, lines: Collection[bytes]) -> Path | None:
    file = folder / ".gitignore"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = read_regular(file)
    except FileNotFoundError:
        before = b""
    except OSError as error:
        raise outside(error, file) from error
    after = with_lines(before, lines)
    if after == before:
        return None
    write_whole(file, after, aside=Layout(root).tmp)
    return file


def _shorten(root: Path, folder: Path, gone: set[bytes]) -> Path | None:
    file = folder / ".gitignore"
    try:
        before = read_regular(file)
        after = without_lines(before, gone)
        if after == before:
            return None
        if after:
            write_whole(file, after, aside=Layout(root).tmp)
        else:
            file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise outside(error, file) from error
    return file


def pattern(name: str) -> bytes:
    r"""Return the line of a `.gitignore` that matches the file or folder `name` beside it only.

    A line break in a name has no escape there; `?` stands for it.

    >>> pattern("raw [1].csv")
    b'/raw \\[1].csv'
    """
    import os

    out = bytearray(b"/")
    for byte in os.fsencode(name):
        if byte in b"\r\n":
            out += _ANY_CHARACTER
            continue
        if byte in _SPECIAL:
            out += b"\\"
        out.append(byte)
    if out.endswith(b" "):
        out[-1:] = b"\\ "
    return bytes(out)


def with_lines(text: bytes, new: Iterable[bytes]) -> bytes:
    """Return a `.gitignore` with `new` lines in the block, which is made at the end when missing.

    A line that stands outside of the block already is left out.
    """
    lines = text.split(b"\n")
    bare = [one.rstrip(b"\r") for one in lines]
    missing = set(new) - set(bare)
    if not missing:
        return text
    if _FIRST in bare and _LAST in bare[bare.index(_FIRST) :]:
        start = bare.index(_FIRST)
        end = bare.index(_LAST, start)
        block = sorted({*bare[start + 1 : end], *missing} - {b""})
        return b"\n".join([*lines[: start + 1], *block, *lines[end:]])
    gap = b"\n" if text and not text.endswith(b"\n") else b""
    return text + gap + b"\n".join([_FIRST, *sorted(missing), _LAST, b""])


def without_lines(text: bytes, gone: Collection[bytes]) -> bytes:
    r"""Return a `.gitignore` without these lines in our block, and without a block that is empty.

    >>> without_lines(b"*.pyc\n" + with_lines(b"", [b"/a"]), {b"/a"})
    b'*.pyc\n'
    """
    lines = text.split(b"\n")
    bare = [one.rstrip(b"\r") for one in lines]
    if not (_FIRST in bare and _LAST in bare[bare.index(_FIRST) :]):
        return text
    start = bare.index(_FIRST)
    end = bare.index(_LAST, start)
    block = [
        line
        for line, name in zip(lines[start + 1 : end], bare[start + 1 : end], strict=True)
        if name not in gone
    ]
    if not any(block):
        return b"\n".join([*lines[:start], *lines[end + 1 :]])
    return b"\n".join([*lines[: start + 1], *block, *lines[end:]])
