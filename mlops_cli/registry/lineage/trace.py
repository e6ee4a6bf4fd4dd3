"""From what somebody typed, whatever it names, to its lineage."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mlops_cli.core.ids import ObjectId, is_id, short
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository
from mlops_cli.data import paths, prediction_log, reference, snapshot
from mlops_cli.data.reference import Reference
from mlops_cli.errors import MloError, RequestError
from mlops_cli.registry import models
from mlops_cli.registry.lineage import told
from mlops_cli.registry.lineage.node import Node
from mlops_cli.registry.lineage.walk import Walk
from mlops_cli.registry.models import Version
from mlops_cli.registry.packaging import description, sums
from mlops_cli.runs import find
from mlops_cli.runs.record import Run

_BATCH = re.compile(r"[0-9a-f]{16}")
_LONGEST = 255
"""No name in a folder has more bytes."""


def trace(
    repo: Repository,
    text: str,
    *,
    up: bool = True,
    down: bool = True,
    depth: int | None = None,
    start: Path | None = None,
) -> Node:
    """Return the lineage of what `text` names.

    It may be the id of a prediction or a batch, a model or a version of one, the folder of a
    package, a run, the path of data (with `@REV`), or the beginning of an object's id.

    Args:
        repo: where.
        text: what is asked about.
        up: give what it was made from.
        down: give what came of it.
        depth: how many levels are given; None for all.
        start: the folder that paths start from; the project's if None.

    Raises:
        RequestError: it names nothing that is known here.
    """
    return _Asked(Walk(repo, depth), up, down, start or repo.root).about(text)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for of whatever was named."""

    walk: Walk
    up: bool
    down: bool
    start: Path

    @property
    def repo(self) -> Repository:
        return self.walk.repo

    def about(self, text: str) -> Node:
        if prediction_log.is_prediction_id(text):
            logged = prediction_log.find(self.repo, text)
            return self.walk.prediction_up(logged) if self.up else told.prediction(logged)
        if _BATCH.fullmatch(text):
            for entry in self.walk.batches:
                if entry.batch == text:
                    return self.walk.batch_up(entry) if self.up else told.batch(entry)
        if text.partition("@")[0] in models.names(self.repo):
            return self.version(models.resolve(self.repo, text))
        if any(len(part.encode("utf-8", "replace")) > _LONGEST for part in text.split("/")):
            raise _unknown(f"{text[:40]}...")
        if description.is_package(self.start / text):
            return self.package(text)
        return self.run_or_data(text)

    def package(self, text: str) -> Node:
        """Return a package with the version that it is of, or what it says where nobody knows it.

        Raises:
            IntegrityError: a byte of it is not what was written.
        """
        folder = self.start / text
        sums.check(folder)
        described = description.read(folder)
        name = f"{described.model}@{described.version_id}"
        known = described.model in self.walk.models and any(
            one.has_id(described.version_id) for one in self.walk.models[described.model].versions
        )
        facts = {
            "checksums": "all as written",
            "version": f"{described.model} v{described.version}",
        }
        if not known:
            facts |= {
                key: str(described.told[key])
                for key in ("run", "commit")
                if described.told.get(key)
            }
            return Node("package", text, described.version_id, facts)
        version = models.resolve(self.repo, name)
        above = (self.walk.version_up(version, 1),) if self.up else ()
        return Node("package", text, "", facts, above)

    def version(self, found: Version) -> Node:
        walk = self.walk
        node = told.version(walk.models[found.model], found)
        above = walk.version_up(found, 0).up if self.up else ()
        below = walk.version_down(found, 0).down if self.down else ()
        return replace(node, up=above, down=below)

    def run(self, found: Run) -> Node:
        above = self.walk.run_up(found, 0).up if self.up else ()
        below = self.walk.run_down(found, 0).down if self.down else ()
        return replace(told.run(found), up=above, down=below)

    def run_or_data(self, text: str) -> Node:
        unclear = None
        try:
            return self.run(find.resolve(self.repo, text))
        except RequestError as error:
            if "may be" in error.message:
                unclear = error
        try:
            return self.data(reference.resolve(self.repo, text, start=self.start))
        except RequestError as error:
            return self.content_or_object(text, unclear or error)

    def data(self, found: Reference) -> Node:
        """Return the lineage of a version of data; of a path, of what is there now."""
        facts: dict[str, str] = {}
        oids = [found.oid]
        there = _content(self.repo, self.repo.root / found.path) if found.rev is None else None
        if there is not None and there != found.oid:
            facts["changed"] = f"the version that is named is {short(found.oid)}"
            oids = [there]
        elif found.held_by != found.path:
            whole = reference.look_up(self.repo, found.held_by, found.rev)
            oids += [whole.oid] if whole else []
            facts["part of"] = found.held_by
        return self.content("data", found.path, oids, facts)

    def content(self, kind: str, name: str, oids: list[ObjectId], facts: dict[str, str]) -> Node:
        made = self.walk.data_up(name, oids[0], 0)
        came = self.walk.data_down(name, oids, 0).down if self.down else ()
        return Node(kind, name, oids[0], {**made.facts, **facts}, made.up if self.up else (), came)

    def content_or_object(self, text: str, why: RequestError) -> Node:
        """Return the lineage of a file that nothing names but whose content is known, or of an id.

        Raises:
            RequestError: `why`, or that there is nothing of that name at all.
        """
        path = self.start / text
        if path.exists():
            oid = _content(self.repo, path)
            if oid is None or not self.is_known(oid):
                raise why
            name = paths.relative(self.repo, path) if _is_inside(self.repo, path) else text
            return self.content("data", name, [oid], {})
        oids = self.repo.objects.find(text) if _is_hex(text) else []
        if len(oids) == 1:
            return self.object(oids[0])
        if is_id(text) and self.is_known(ObjectId(text)):
            return self.content("object", text[:10], [ObjectId(text)], {})
        if "may be" in why.message:
            raise why
        raise _unknown(text, f", but {len(oids)} objects" if oids else "")

    def is_known(self, oid: ObjectId) -> bool:
        uses = self.walk.uses
        if oid in uses.made or oid in uses.read or self.walk.batch_of(oid) is not None:
            return True
        return any(one.artifact == oid for one in self.walk.versions)

    def object(self, oid: ObjectId) -> Node:
        if self.repo.objects.kind(oid) is Kind.EVENT:
            for model in self.walk.models.values():
                for event in model.events:
                    if oid == event.oid or oid in event.detail.get("formerly", ()):
                        return self.version(model.version(event.number))
        return self.content("object", short(oid), [oid], {})


def _unknown(text: str, many: str = "") -> RequestError:
    return RequestError(
        f"'{text}' is no prediction, model, run or versioned path here{many}",
        hint="ids come with each answer of `mlo serve`; models: mlo models list",
    )


def _content(repo: Repository, path: Path) -> ObjectId | None:
    """Return the id of what is at a path now, None where nothing is or it cannot be read."""
    try:
        if path.is_file() and not _is_inside(repo, path):
            from blake3 import blake3

            return ObjectId(blake3().update_mmap(path).hexdigest())
        return snapshot.take(repo, path).oid if path.exists() else None
    except (MloError, OSError):
        return None


def _is_inside(repo: Repository, path: Path) -> bool:
    return path.resolve().is_relative_to(repo.root.resolve())


def _is_hex(text: str) -> bool:
    return len(text) >= 4 and all(digit in "0123456789abcdef" for digit in text)
