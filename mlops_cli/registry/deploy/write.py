"""Writing manifests, so that nothing is lost that somebody changed by hand."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlops_cli.core.files import outside, write_whole
from mlops_cli.core.ids import object_id
from mlops_cli.errors import Conflict

_HEAD = re.compile(rb"# Written by mlo deploy; ([0-9a-f]{16}) is the checksum of what follows\n")


@dataclass(frozen=True, slots=True)
class Written:
    """Files by what became of them."""

    folder: str
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def write(folder: Path, files: dict[str, str], *, force: bool = False) -> Written:
    """Write files into a folder; those of an earlier call that are no more go.

    Raises:
        Conflict: one that is there was not written by this, or was changed by hand since, and not
            `force`; nothing was written.
        ExternalError: the disk refuses.
    """
    wanted = {name: _headed(text) for name, text in files.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    except OSError as error:
        raise outside(error, folder) from error
    ours = [name for name, data in present.items() if _HEAD.match(data)]
    gone = sorted(name for name in ours if name not in wanted)
    if not force:
        _check(folder, wanted, present, gone)
    fresh = [name for name, data in wanted.items() if present.get(name) != data]
    for name in fresh:
        write_whole(folder / name, wanted[name])
    for name in gone:
        (folder / name).unlink()
    same = tuple(name for name in wanted if name not in fresh)
    return Written(str(folder), tuple(fresh), same, tuple(gone))


def _check(
    folder: Path, wanted: dict[str, bytes], present: dict[str, bytes], gone: list[str]
) -> None:
    edited = [
        name
        for name in (*wanted, *gone)
        if name in present
        and present[name] != wanted.get(name)
        and not _is_untouched(present[name])
    ]
    more = f" (and {len(edited) - 1} more)" if len(edited) > 1 else ""
    if edited:
        raise Conflict(
            f"'{folder / edited[0]}'{more} was changed by hand",
            hint="write elsewhere with -o DIR, or give up the changes with --force",
        )


def _headed(text: str) -> bytes:
    data = text.encode()
    return b"# Written by mlo deploy; %s is the checksum of what follows\n" % _sum(data) + data


def _is_untouched(data: bytes) -> bool:
    head = _HEAD.match(data)
    return head is not None and head[1] == _sum(data[head.end() :])


def _sum(data: bytes) -> bytes:
    return object_id(data)[:16].encode()
