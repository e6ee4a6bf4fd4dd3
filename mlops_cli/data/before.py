"""What lay where in the version before, so that an edited file costs what was edited."""

import os

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository


class Before:
    """Which file lay where in the version before."""

    _MOST_FOLDERS = 64

    def __init__(self, repo: Repository, root: bytes, oid: ObjectId) -> None:
        self._repo = repo
        self._root = root
        self._oid = oid
        self._folders: dict[bytes, dict[bytes, ObjectId]] = {}

    def find(self, raw: bytes, size: int | None = None) -> ObjectId | None:
        """Return what the path was; None if it is new, or that version is not in this store.

        None, too, for a file of a `size` that is stored whole, since nobody needs to know.
        """
        from mlops_cli.core.codec import WHOLE_MAX

        if size is not None and size <= WHOLE_MAX:
            return None
        if raw == self._root:
            return self._oid
        if not raw.startswith(self._root + b"/"):
            return None
        folder, name = os.path.split(raw)
        if folder not in self._folders:
            listed = self._listed(self.find(folder))
            if len(self._folders) >= self._MOST_FOLDERS:
                self._folders.clear()
            self._folders[folder] = listed
        return self._folders[folder].get(name)

    def _listed(self, oid: ObjectId | None) -> dict[bytes, ObjectId]:
        from mlops_cli.core.packs import Kind

        objects = self._repo.objects
        if oid is None or not objects.has(oid) or objects.kind(oid) is not Kind.TREE:
            return {}
        return {os.fsencode(entry.name): entry.oid for entry in tree.decode(objects.get(oid))}
