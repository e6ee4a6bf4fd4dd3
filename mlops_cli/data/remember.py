"""Telling the stat cache what is at a path of the work tree, so that it need not be read."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository
from mlops_cli.core.stat_cache import STAT, UNTRUSTED, Block, StatCache, pack_stat, settle

if TYPE_CHECKING:
    from mlops_cli.data.snapshot import ObjectKind


def remember(
    repo: Repository,
    path: Path,
    oid: ObjectId,
    kind: "ObjectKind",
    written: Mapping[str, bytes] | None = None,
    trees: tree.Held | None = None,
) -> None:
    """Note that what is at `path` is what `oid` names, so need not be read.

    `written` gives what each file looked like right after it was written, as `pack_stat` has it, by
    its path within `path`; others are as they were when last looked at. So what somebody did to a
    file since is seen. Without it, all are as they look now. `trees` are those of `oid`, if they
    were read before.
    """
    cache = repo.stat_cache
    cache.start()
    raw = os.fsencode(path)
    where = key_of(os.fsencode(repo.root), raw)
    if kind == "folder":
        held = tree.below(repo.objects, oid) if trees is None else trees
        _remember_folder(repo.stat_cache, raw, where, oid, held, written, "")
    else:
        folder, name = os.path.split(raw)
        packed = pack_stat(os.lstat(raw)) if written is None else written[""]
        keep_single(cache, key_of(os.fsencode(repo.root), folder), name, packed, oid)
    cache.save()


def _remember_folder(
    cache: StatCache,
    raw: bytes,
    where: bytes,
    oid: ObjectId,
    trees: tree.Held,
    written: Mapping[str, bytes] | None,
    prefix: str,
) -> None:
    files = [entry for entry in trees[oid] if entry.mode is not tree.Mode.FOLDER]
    folders = [entry for entry in trees[oid] if entry.mode is tree.Mode.FOLDER]
    names = [os.fsencode(entry.name) for entry in files]
    ids = bytes.fromhex("".join([entry.oid for entry in files]))
    if written is None:
        stats = [pack_stat(os.lstat(raw + b"/" + name)) for name in names]
    else:
        known = cache.blocks.get(where, Block()).trusted()
        stats = [
            written.get(prefix + entry.name) or _seen(known.get(name), ids[32 * at : 32 * at + 32])
            for at, (entry, name) in enumerate(zip(files, names, strict=True))
        ]
    block = Block(
        b"\0".join(names),
        b"".join([settle(packed, cache.tick_ns) for packed in stats]),
        ids,
        bytes.fromhex("".join([entry.oid for entry in folders])),
        bytes.fromhex(oid),
        stored=True,
    )
    cache.put(where, block)
    for entry in folders:
        name = os.fsencode(entry.name)
        inner, below = raw + b"/" + name, where + b"/" + name
        _remember_folder(cache, inner, below, entry.oid, trees, written, f"{prefix}{entry.name}/")


def _seen(hit: tuple[bytes, bytes] | None, key: bytes) -> bytes:
    """Return what a file with the id `key` looked like; if nobody knows, what none looks like."""
    return hit[0] if hit and hit[1] == key else STAT.pack(UNTRUSTED, 0, 0, 0, 0)


def keep_single(cache: StatCache, folder: bytes, name: bytes, packed: bytes, oid: ObjectId) -> None:
    """Keep one file in its folder's block, beside the others that were looked at."""
    known = cache.blocks.get(folder, Block()).trusted()
    known[name] = (settle(packed, cache.tick_ns), bytes.fromhex(oid))
    names = sorted(known)
    block = Block(
        b"\0".join(names),
        b"".join([known[name][0] for name in names]),
        b"".join([known[name][1] for name in names]),
    )
    cache.put(folder, block)


def key_of(root: bytes, raw: bytes) -> bytes:
    """Return the name that the stat cache has for a folder."""
    if raw == root:
        return b"."
    return raw.removeprefix(root + b"/")
