"""Killed with SIGKILL at a hundred points each: all stays whole, and the work can be redone."""

from pathlib import Path

from blake3 import blake3

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer, snapshot
from mlops_cli.data.add import add
from mlops_cli.data.fsck import check
from mlops_cli.data.gc import collect
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import connect
from tests.faults.conftest import Doomed

MOST_THAT_END = 10
"""So many of a hundred may have ended before the point came: not all runs are equally long."""

REDO = 5
"""After so many deaths the work is done to its end; in between the next one goes on from there."""


def noise(size: int, seed: int) -> bytes:
    return blake3(seed.to_bytes(8, "little")).digest(length=size)


def again(repo: Repository) -> Repository:
    return open_repository(repo.root)


def assert_whole(repo: Repository) -> None:
    found = check(again(repo))
    assert (found.problems, found.absent) == ((), ())


def fill(root: Path, number: int) -> None:
    (root / "images/deep").mkdir(parents=True, exist_ok=True)
    (root / "images/small").write_text(f"version {number}")
    (root / "images/deep/large").write_bytes(noise(200_000, number))


def versions_of(repo: Repository) -> ObjectId | None:
    found = pointer.read(repo, "images")
    return found.oid if found else None


def test_add(project: Path, doomed: Doomed) -> None:
    repo = open_repository(project)
    fill(project, 0)
    points = doomed.points("add", "images")
    before = versions_of(repo)
    ended = 0
    for number, point in enumerate(points, 1):
        fill(project, number)
        ended += not doomed.killed(point, "add", "images")
        assert_whole(repo)
        now = versions_of(repo)
        wanted = snapshot.take(again(repo), project / "images")
        assert now in (before, wanted.oid)
        if number % REDO == 0:
            add(again(repo), [project / "images"])
            assert_whole(repo)
        before = versions_of(repo)
    assert len(points) == 100
    assert ended <= MOST_THAT_END


def test_push(project: Path, doomed: Doomed, tmp_path: Path) -> None:
    (project / ".mlops.yaml").write_text(f"remotes:\n  origin: {tmp_path / 'remote'}\n")
    there_root = tmp_path / "there"
    there_root.mkdir()
    (there_root / ".mlops.yaml").write_text(f"remotes:\n  origin: {tmp_path / 'remote'}\n")
    repo, there = open_repository(project), open_repository(there_root)

    def grow(number: int) -> ObjectId:
        head = repo.refs.get("models/churn")
        made = repo.objects.put(noise(20_000, number))
        event = {"prev": head, "model": "churn", "number": number, "artifact": {"oid": made}}
        oid = repo.objects.put(canonical.encode(event), Kind.EVENT)
        repo.refs.move({"models/churn": (head, oid)})
        return oid

    before = grow(0)
    points = doomed.points("push")
    ended = 0
    for number, point in enumerate(points, 1):
        now = grow(number)
        ended += not doomed.killed(point, "push")
        remote = connect(again(there), "origin")
        fetch.records(again(there), remote)
        seen = again(there).refs.get("models/churn")
        assert seen in (before, now)
        before = seen
        if number % REDO == 0:
            assert_whole(there)
            push(again(repo), connect(again(repo), "origin"))
            before = now
    remote = connect(there, "origin")
    fetch.records(there, remote)
    fetch.content(there, remote, None)
    assert there.refs.get("models/churn") == repo.refs.get("models/churn")
    assert set(there.objects.each(Kind.BLOB)) == {
        object_id(noise(20_000, number)) for number in range(len(points) + 1)
    }
    assert_whole(there)
    assert len(points) == 100
    assert ended <= MOST_THAT_END


def test_gc(project: Path, doomed: Doomed) -> None:
    repo = open_repository(project)
    needed: list[ObjectId] = []

    def litter(number: int) -> ObjectId:
        """Put what is needed and what is not into one pack, and what is not into one of its own."""
        with again(repo).objects.writer() as writer:
            needed.append(writer.put(b"needed %d" % number))
            garbage = writer.put(noise(100_000, number))
            run = {"key": str(number), "outputs": [{"oid": needed[-1]}]}
            writer.put(canonical.encode(run), Kind.RUN)
        again(repo).objects.put(noise(1_000, number))
        return garbage

    litter(0)
    arguments = ("gc", "--older-than", "0d")
    points = doomed.points(*arguments)
    ended = 0
    for number, point in enumerate(points, 1):
        garbage = litter(number)
        ended += not doomed.killed(point, *arguments)
        assert_whole(repo)
        assert all(map(again(repo).objects.has, needed))
        if number % REDO == 0:
            collect(again(repo), removed=tuple, grace_s=0)
            assert not again(repo).objects.has(garbage)
            assert all(map(again(repo).objects.has, needed))
    assert_whole(repo)
    assert len(points) == 100
    assert ended <= MOST_THAT_END
