"""The record of who did what cannot be changed unseen."""

import shutil
import threading
from pathlib import Path

import pytest

from mlops_cli.audit import chain
from mlops_cli.audit.verification import Verification, verify
from mlops_cli.core import refs
from mlops_cli.core.canonical import decode, encode
from mlops_cli.core.clock import now
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data.fsck import check
from mlops_cli.errors import Conflict


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path / "project")


def event_of(repo: Repository, old: ObjectId | None, note: str) -> ObjectId:
    """Return an event of a model, which nobody recorded."""
    record = {
        "prev": old,
        "model": "churn",
        "kind": "promote",
        "time": now(),
        "who": {"name": repo.identity.name, "email": repo.identity.email},
        "number": 1,
        "detail": {"note": note},
    }
    return repo.objects.put(encode(record), Kind.EVENT)


def happen(repo: Repository, note: str) -> ObjectId:
    """Make an event of a model, recorded."""
    old = repo.refs.get("models/churn")
    event = event_of(repo, old, note)
    detail = {"event": event, "note": note}
    chain.record(repo, "promote", "churn v1", detail, moves={"models/churn": (old, event)})
    return event


def head(repo: Repository) -> ObjectId:
    found = repo.refs.get(f"audit/{repo.clone_id}")
    assert found is not None
    return found


def test_entries_come_back_in_order_with_who_and_what(repo: Repository) -> None:
    chain.record(repo, "add", "data/raw.csv", {"size": 3})
    event = happen(repo, "first")
    one, two = chain.entries(repo)
    assert (one.seq, one.action, one.subject, one.detail) == (1, "add", "data/raw.csv", {"size": 3})
    assert (two.seq, two.action, two.moved) == (2, "promote", {"models/churn": event})
    assert one.name
    assert one.email
    assert one.time < two.time
    assert verify(repo) == Verification(entries=2, events=1, problems=(), unsigned=1)


def test_an_entry_and_its_refs_come_to_be_together_or_not_at_all(repo: Repository) -> None:
    event = happen(repo, "first")
    with pytest.raises(Conflict):
        chain.record(repo, "promote", "churn", {}, moves={"models/churn": (None, event)})
    assert len(chain.entries(repo)) == 1
    assert repo.refs.get("models/churn") == event


def test_an_event_that_nobody_recorded_is_found(repo: Repository) -> None:
    first = happen(repo, "first")
    forged = event_of(repo, first, "forged")
    repo.refs.move({"models/churn": (first, forged)})
    (problem,) = verify(repo).problems
    assert "no entry tells" in problem
    assert forged[:10] in problem


def test_an_entry_that_was_cut_out_is_found(repo: Repository) -> None:
    for note in ("one", "two", "three"):
        chain.record(repo, note, "x", {})
    last = decode(repo.objects.get(head(repo)))
    middle = decode(repo.objects.get(last["prev"]))
    forged = repo.objects.put(encode({**last, "prev": middle["prev"]}), Kind.AUDIT)
    repo.refs.move({f"audit/{repo.clone_id}": (head(repo), forged)})
    assert "number 1, not 2" in verify(repo).problems[0]


def test_a_changed_byte_in_a_pack_is_found(repo: Repository) -> None:
    happen(repo, "first")
    pack, entry = repo.objects.stored(head(repo))
    data = bytearray(pack.path.read_bytes())
    data[entry.offset + entry.stored // 2] ^= 1
    pack.path.write_bytes(data)
    assert not verify(open_repository(repo.root)).sound


def test_a_chain_put_back_to_an_older_state_is_found_by_what_a_remote_was_seen_to_have(
    repo: Repository,
) -> None:
    chain.record(repo, "add", "x", {})
    older = repo.layout.refs.read_bytes()
    chain.record(repo, "add", "y", {})
    seen = repo.layout.remotes / "origin" / "refs"
    seen.parent.mkdir(parents=True)
    shutil.copy(repo.layout.refs, seen)
    assert verify(repo).sound
    repo.layout.refs.write_bytes(older)
    assert "are gone from here" in verify(repo).problems[0]


@pytest.mark.parametrize("put_back", ["lost", "older"])
def test_refs_that_are_lost_or_put_back_are_found_without_any_remote(
    repo: Repository, put_back: str
) -> None:
    happen(repo, "first")
    older = repo.layout.refs.read_bytes()
    happen(repo, "second")
    happen(repo, "third")
    assert verify(repo).sound
    if put_back == "lost":
        repo.layout.refs.unlink()
    else:
        repo.layout.refs.write_bytes(older)
    (problem,) = verify(repo).problems
    assert ("3 entries are stored" if put_back == "lost" else "2 entries are stored") in problem
    assert "promote churn v1" in problem
    (same,) = check(repo).problems
    assert (same.what, same.where) == (problem, "the record")


def test_what_one_killed_process_may_have_left_is_a_doubt(repo: Repository) -> None:
    happen(repo, "first")
    older = repo.layout.refs.read_bytes()
    happen(repo, "never")
    repo.layout.refs.write_bytes(older)
    happen(repo, "second")
    found = verify(repo)
    assert found.sound
    (doubt,) = found.doubts
    assert "a process was killed as it recorded that" in doubt
    assert check(repo).doubts == (doubt,)
    assert check(repo).problems == ()


def test_runs_that_were_recorded_together_are_a_doubt_until_they_are_told_of(
    repo: Repository,
) -> None:
    deeds = [chain.Deed("run", f"train-{n}", {"run": f"{n}" * 64}) for n in range(3)]
    with repo.writing(), repo.objects.writer() as writer:
        chain.record_all(repo, deeds, writer)
    repo.layout.refs.unlink()
    (doubt,) = verify(repo).doubts
    assert "3 entries of runs" in doubt
    for deed in deeds:
        chain.record(repo, *deed)
    assert verify(repo).sound
    assert verify(repo).doubts == ()


def test_what_a_remote_was_seen_to_have_is_missed_when_it_is_damaged(repo: Repository) -> None:
    chain.record(repo, "add", "x", {})
    seen = repo.layout.remotes / "origin" / "refs"
    seen.parent.mkdir(parents=True)
    seen.write_bytes(b"junk")
    (problem,) = verify(repo).problems
    assert "'origin'" in problem


def test_a_copy_is_verified_without_a_byte_written(repo: Repository, tmp_path: Path) -> None:
    happen(repo, "first")
    shutil.copytree(repo.root, tmp_path / "copy")
    copy = open_repository(tmp_path / "copy")
    before = {one: one.read_bytes() for one in copy.root.rglob("*") if one.is_file()}
    assert verify(copy).sound
    assert {one: one.read_bytes() for one in copy.root.rglob("*") if one.is_file()} == before
    assert copy.named_clone is None
    assert copy.clone_id not in (repo.clone_id, None)


def test_a_chain_that_was_dropped_leaves_events_unexplained(repo: Repository) -> None:
    happen(repo, "first")
    kept = {name: oid for name, oid in repo.refs.all().items() if name.startswith("models/")}
    repo.layout.refs.write_bytes(refs.encode(kept))
    assert len(verify(repo).problems) == 1


def test_threads_that_record_at_once_lose_nothing(repo: Repository) -> None:
    def work() -> None:
        mine = open_repository(repo.root)
        for number in range(10):
            chain.record(mine, "add", str(number), {})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = chain.entries(open_repository(repo.root))
    assert sorted(entry.seq for entry in found) == list(range(1, 41))
    assert verify(open_repository(repo.root)).sound
