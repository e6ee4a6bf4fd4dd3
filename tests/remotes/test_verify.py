"""Looking at a remote finds whatever is damaged there, of any kind of remote, and keeps nothing."""

import os
from pathlib import Path

import pytest

from mlops_cli.core.canonical import encode
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create
from mlops_cli.data import snapshot
from mlops_cli.errors import ExternalError, IntegrityError, StateError
from mlops_cli.remotes import state
from mlops_cli.remotes.encrypted import Encrypted
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.state import Held, State
from mlops_cli.remotes.transport import Transport
from mlops_cli.remotes.verify import Verified, verify
from tests.conftest import noise
from tests.contracts.test_transport import KINDS, READ_ONLY


def remote(repo: Repository, transport: Transport) -> Remote:
    return Remote("origin", transport, repo.layout.remotes / "origin")


@pytest.fixture
def here(tmp_path: Path) -> Repository:
    """Return a store with small files, two versions of a large one, a run and a chain."""
    repo = create(tmp_path / "here")
    folder = repo.root / "data"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_text(name)
    large = bytearray(noise(900_000))
    (folder / "large").write_bytes(large)
    add(repo, folder)
    large[500_000:500_004] = b"edit"
    (folder / "large").write_bytes(large)
    add(repo, folder)
    repo.objects.put(encode({"note": "a run"}), Kind.RUN)
    grow(repo, "first")
    grow(repo, "second")
    return repo


def add(repo: Repository, folder: Path) -> ObjectId:
    with repo.objects.writer() as writer:
        before = snapshot.take(repo, folder).oid if repo.objects.packs() else None
        return snapshot.take(repo, folder, writer=writer, before=before).oid


def grow(repo: Repository, note: str) -> None:
    old = repo.refs.get("models/churn")
    new = repo.objects.put(encode({"prev": old, "note": note}), Kind.EVENT)
    repo.refs.move({"models/churn": (old, new)})


def look(repo: Repository, transport: Transport, *, deep: bool) -> Verified:
    return verify(repo, remote(repo, transport), deep=deep)[0]


@pytest.fixture
def elsewhere(here: Repository, tmp_path: Path) -> tuple[Repository, Path]:
    """Return an empty store, and a folder that the other one was pushed to."""
    push(here, remote(here, FolderTransport(tmp_path / "remote")))
    return create(tmp_path / "there"), tmp_path / "remote"


@pytest.mark.parametrize("kind", [*KINDS, *READ_ONLY])
def test_every_kind_of_remote_that_is_whole_is_found_whole(
    kind: str, here: Repository, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind in READ_ONLY:
        writer, reader = READ_ONLY[kind](request)
    else:
        writer = reader = KINDS[kind](request)
    push(here, remote(here, writer))
    there = create(tmp_path / "there")
    for deep in (False, True):
        found = look(there, reader, deep=deep)
        assert (found.faults, found.empty) == ((), False)
        assert found.packs > 0
    assert list(there.layout.packs.iterdir()) == []
    assert [one.name for one in there.layout.tmp.iterdir() if one.is_dir()] == []


def packs(folder: Path) -> list[Path]:
    return sorted((folder / "packs").glob("*.pack"), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("who", ["the one that pushed", "another"])
def test_any_bit_that_is_not_as_it_was_is_found(
    who: str, here: Repository, elsewhere: tuple[Repository, Path]
) -> None:
    there, folder = elsewhere
    repo = here if who == "the one that pushed" else there
    transport = FolderTransport(folder)
    for path in packs(folder):
        raw = path.read_bytes()
        for at in [
            0,
            17,
            len(raw) // 3,
            len(raw) // 2,
            len(raw) - 200,
            len(raw) - 60,
            len(raw) - 1,
        ]:
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
            faults = look(repo, transport, deep=True).faults
            assert faults, f"{path.name} at {at}"
            assert path.name in faults[0].where
        path.write_bytes(raw)
    assert look(repo, transport, deep=True).faults == ()


def test_a_pack_that_is_gone_or_cut_short_is_found_without_reading_any(
    elsewhere: tuple[Repository, Path],
) -> None:
    there, folder = elsewhere
    transport = FolderTransport(folder)
    pack = packs(folder)[-1]
    raw = pack.read_bytes()
    assert look(there, transport, deep=False).faults == ()
    pack.write_bytes(raw[:-1])
    (fault, *_) = look(there, transport, deep=False).faults
    assert fault.what == f"has {len(raw) - 1:,} bytes, not {len(raw):,}"
    pack.unlink()
    (fault, *_) = look(there, transport, deep=False).faults
    assert (fault.where, fault.what) == (f"packs/{pack.name}", "is not there")


def test_what_a_lost_pack_held_is_known_to_who_has_seen_it(
    here: Repository, elsewhere: tuple[Repository, Path]
) -> None:
    _, folder = elsewhere
    pack = packs(folder)[-1]
    pack.unlink()
    (fault, *_) = look(here, FolderTransport(folder), deep=False).faults
    assert set(fault.lost) == {one.hex() for one in here.objects.pack(pack.stem).index.ids()}


def test_a_ref_that_leads_nowhere_is_found(elsewhere: tuple[Repository, Path]) -> None:
    there, folder = elsewhere
    file = folder / "state"
    held = state.decode(file.read_bytes(), where="")
    lost = ObjectId("0" * 64)
    file.write_bytes(state.encode(State(held.packs, {**held.refs, "models/x": lost})))
    for deep in (False, True):
        (fault,) = look(there, FolderTransport(folder), deep=deep).faults
        assert (fault.oid, fault.where, fault.lost) == (lost, "state", (lost,))


def test_a_pack_that_claims_other_objects_is_found(elsewhere: tuple[Repository, Path]) -> None:
    there, folder = elsewhere
    file = folder / "state"
    held = state.decode(file.read_bytes(), where="")
    name, one = max(held.packs.items(), key=lambda row: row[1].size)
    wrong = {**held.packs, name: Held(one.size, one.objects + 1)}
    file.write_bytes(state.encode(State(wrong, {})))
    assert [fault.where for fault in look(there, FolderTransport(folder), deep=False).faults] == [
        f"packs/{name}.pack"
    ]


def test_of_an_encrypted_remote_only_what_was_changed_is_lost(
    here: Repository, tmp_path: Path
) -> None:
    transport = Encrypted(FolderTransport(tmp_path / "remote"), bytes(32), aside=tmp_path)
    push(here, remote(here, transport))
    largest = max((tmp_path / "remote/packs").iterdir(), key=lambda path: path.stat().st_size)
    raw = bytearray(largest.read_bytes())
    raw[300_000] ^= 1
    largest.write_bytes(raw)
    found = look(create(tmp_path / "there"), transport, deep=True)
    assert 0 < len(found.faults) < found.objects / 2


def test_a_state_that_is_damaged_is_one_clear_error(elsewhere: tuple[Repository, Path]) -> None:
    there, folder = elsewhere
    raw = (folder / "state").read_bytes()
    (folder / "state").write_bytes(raw[:-3])
    with pytest.raises(IntegrityError, match="damaged"):
        look(there, FolderTransport(folder), deep=False)


def test_a_remote_that_is_gone_is_not_taken_for_an_empty_one(
    here: Repository, elsewhere: tuple[Repository, Path], tmp_path: Path
) -> None:
    there, folder = elsewhere
    folder.rename(tmp_path / "unmounted")
    with pytest.raises(StateError, match="when last seen"):
        look(here, FolderTransport(folder), deep=False)
    assert look(there, FolderTransport(folder), deep=True).empty


class Dying(FolderTransport):
    """Answers a few times, then no more."""

    def __init__(self, folder: Path, answers: int) -> None:
        super().__init__(folder)
        self.left = answers

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise ExternalError("the remote does not answer")
        return super().read(key, start, length)


def test_a_remote_that_stops_answering_is_no_damage_and_leaves_nothing(
    elsewhere: tuple[Repository, Path],
) -> None:
    there, folder = elsewhere
    for answers in range(6):
        with pytest.raises(ExternalError):
            look(there, Dying(folder, answers), deep=True)
        assert [one for one in os.listdir(there.layout.tmp) if not one.endswith(".lock")] == []


def test_a_pack_that_others_merged_away_meanwhile_is_not_missed(
    elsewhere: tuple[Repository, Path],
) -> None:
    there, folder = elsewhere
    file = folder / "state"
    held = state.decode(file.read_bytes(), where="")

    class Merging(FolderTransport):
        def size(self, key: str) -> int:
            file.write_bytes(state.encode(State({}, {})))
            (folder / key).unlink(missing_ok=True)
            return super().size(key)

    found = look(there, Merging(folder), deep=False)
    assert held.packs
    assert [one.where for one in found.faults if one.where != "state"] == []
