"""What is here and was not on a remote when it was last asked; asks nobody."""

from collections.abc import Iterable

from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.remotes.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Unpushed:
    """Objects that a remote lacks, and how many bytes they take here."""

    remote: str
    objects: int
    bytes: int


def unpushed(repo: Repository, remotes: Iterable[str]) -> tuple[Unpushed, ...]:
    """Return what each of `remotes` lacks, as far as this clone knows; nothing where it has all."""
    found = (_lacking(repo, name) for name in remotes)
    return tuple(one for one in found if one.objects)


def _lacking(repo: Repository, name: str) -> Unpushed:
    catalogue = Catalogue(repo.layout.remotes / name)
    fresh = {
        pack: index
        for pack, index in repo.objects.indexes().items()
        if pack not in catalogue.indexes
    }
    lacking: dict[bytes, int] = {}
    for index in fresh.values():
        lacking.update(zip(index.ids(), index.stored(), strict=True))
    if catalogue.indexes:
        lacking = {key: size for key, size in lacking.items() if not catalogue.holds(key)}
    return Unpushed(name, len(lacking), sum(lacking.values()))
