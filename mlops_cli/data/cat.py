"""The bytes of a version, without checking it out."""

from collections.abc import Iterator

from mlops_cli.core.repository import Repository
from mlops_cli.data.reference import Reference
from mlops_cli.errors import RequestError


def pieces(repo: Repository, found: Reference) -> Iterator[bytes]:
    """Yield the bytes of a file; when the last piece has been drawn they have been checked.

    Raises:
        RequestError: it is a folder.
        MissingObject: the version is not in this store.
        IntegrityError: the stored bytes are damaged.
    """
    if found.kind == "folder":
        from mlops_cli.core import tree

        names = [entry.name for entry in tree.decode(repo.objects.get(found.oid))]
        example = f"{found.path}/{names[0]}" if names else found.path
        at = f"@{found.rev}" if found.rev else ""
        raise RequestError(
            f"'{found.path}' is a folder of {len(names)} names",
            hint=f"print a file in it: mlo cat {example}{at}" if names else None,
        )
    return repo.objects.stream(found.oid)
