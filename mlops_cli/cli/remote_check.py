"""What `mlo fsck REMOTE` finds: how a remote stands, and which versions need what is damaged."""

from mlops_cli.cli.roots import believe_only_what_can_be_read
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.progress import Progress
from mlops_cli.core.records import dataclass
from mlops_cli.core.repository import Repository
from mlops_cli.data import labels
from mlops_cli.data.fsck import Problem
from mlops_cli.data.needs import needers
from mlops_cli.remotes.remote import connect
from mlops_cli.remotes.verify import Fault, Holding, verify


@dataclass(frozen=True, slots=True)
class CheckedRemote:
    """What was looked at, and all that is wrong.

    Attributes:
        deep: whether every byte was read.
        empty: whether nothing was pushed to it yet.
        untold: why git did not tell which versions there were, if so.
    """

    remote: str
    url: str
    deep: bool
    packs: int
    objects: int
    bytes: int
    empty: bool
    problems: tuple[Problem, ...]
    untold: str | None = None


def check(repo: Repository, name: str, *, deep: bool, progress: Progress) -> CheckedRemote:
    """Return how a remote stands.

    Raises:
        IntegrityError, StateError, ExternalError: as of `remotes.verify.verify`.
    """
    remote = connect(repo, name)
    believe_only_what_can_be_read(repo, remote)
    found, holding = verify(repo, remote, deep=deep, progress=progress)
    problems, untold = _explained(repo, holding, found.faults)
    return CheckedRemote(
        found.remote, found.url, found.deep, found.packs, found.objects, found.bytes, found.empty,
        problems, untold,
    )  # fmt: skip


def _explained(
    repo: Repository, holding: Holding, faults: tuple[Fault, ...]
) -> tuple[tuple[Problem, ...], str | None]:
    lost = {oid for one in faults for oid in one.lost}
    if not lost:
        return tuple(Problem(one.oid, one.where, one.what) for one in faults), None
    names = labels.read(repo, history=True)
    needed_by = needers(names, holding, lost)

    def names_of(ids: tuple[ObjectId, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for oid in ids for name in needed_by.get(oid, ())))

    problems = (Problem(one.oid, one.where, one.what, names_of(one.lost)) for one in faults)
    return tuple(problems), names.untold
