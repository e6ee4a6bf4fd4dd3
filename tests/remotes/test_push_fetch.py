"""Pushing loses nothing, refuses what is not a step forward, and survives being killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3

from mlops_cli.core import delta
from mlops_cli.core.ids import object_id
from mlops_cli.core.index_columns import Columns
from mlops_cli.core.objects import Kind
from mlops_cli.core.packs import HEADER, Codec, Entry, trailer
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data import snapshot
from mlops_cli.data.restore import restore
from mlops_cli.errors import Conflict, IntegrityError, MissingObject, RequestError, StateError
from mlops_cli.remotes import fetch, state
from mlops_cli.remotes.catalogue import Catalogue, key_of
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.kinds import open_transport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.state import Held, State
from tests.conftest import noise
from tests.data.test_snapshot import fill, store
from tests.remotes.conftest import bytes_in, grow, plant, raw_of, remote_of


def pull(repo: Repository, folder: Path) -> fetch.Fetched:
    remote = remote_of(repo, folder)
    found = fetch.records(repo, remote)
    fetch.content(repo, remote, None)
    return found


def test_what_is_pushed_can_be_fetched_elsewhere(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    fill(here.root / "data")
    (here.root / "data" / "big").write_bytes(noise(700_000))
    found = store(here, here.root / "data")
    head = grow(here, "models/churn", "first")
    sent = push(here, remote_of(here, tmp_path / "remote"))
    assert sent.moved == ("models/churn",)
    assert sent.objects > 6

    remote = remote_of(there, tmp_path / "remote")
    assert fetch.records(there, remote).moved == ("models/churn",)
    assert there.refs.get("models/churn") == head
    fetch.content(there, remote, [found.oid])
    restore(there, found.oid, found.kind, there.root / "data")
    assert snapshot.take(there, there.root / "data") == found


def test_a_second_push_sends_nothing(here: Repository, tmp_path: Path) -> None:
    grow(here, "models/churn", "first")
    push(here, remote_of(here, tmp_path / "remote"))
    again = push(here, remote_of(here, tmp_path / "remote"))
    assert (again.objects, again.bytes, again.moved) == (0, 0, ())


def test_only_what_is_new_is_sent(here: Repository, tmp_path: Path) -> None:
    here.objects.put(noise(3_000_000))
    push(here, remote_of(here, tmp_path / "remote"))
    content = noise(3_000_000)
    here.objects.put(content[:1_000_000] + b"edit" + content[1_000_000:])
    assert push(here, remote_of(here, tmp_path / "remote")).bytes < 1_000_000


def test_one_file_of_a_folder_costs_one_file(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    with here.objects.writer() as writer:
        oids = [writer.put(noise(40_000, seed)) for seed in range(50)]
    push(here, remote_of(here, tmp_path / "remote"))
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    got = fetch.content(there, remote, [oids[25]])
    assert got.objects == 1
    assert got.bytes == 40_000
    assert there.objects.get(oids[25]) == noise(40_000, 25)


def test_only_sends_just_that_and_moves_no_ref(here: Repository, tmp_path: Path) -> None:
    wanted, other = here.objects.put(noise(200_000)), here.objects.put(b"other")
    grow(here, "models/churn", "first")
    remote = remote_of(here, tmp_path / "remote")
    assert push(here, remote, only=[wanted]).moved == ()
    assert remote.catalogue.has(wanted)
    assert not remote.catalogue.has(other)


def test_a_push_that_is_no_step_forward_is_refused(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    grow(here, "models/churn", "first")
    push(here, remote_of(here, tmp_path / "remote"))
    pull(there, tmp_path / "remote")
    mine, theirs = grow(here, "models/churn", "mine"), grow(there, "models/churn", "theirs")
    push(here, remote_of(here, tmp_path / "remote"))
    with pytest.raises(Conflict, match="models/churn") as caught:
        push(there, remote_of(there, tmp_path / "remote"))
    assert caught.value.hint == "mlo pull origin"
    assert remote_of(there, tmp_path / "remote").read().state.refs == {"models/churn": mine}
    assert pull(there, tmp_path / "remote").diverged == {"models/churn": mine}
    assert there.refs.get("models/churn") == theirs


def test_a_clone_that_is_behind_may_push_what_is_its_own(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    grow(here, "models/churn", "first")
    push(here, remote_of(here, tmp_path / "remote"))
    pull(there, tmp_path / "remote")
    second = grow(here, "models/churn", "second")
    push(here, remote_of(here, tmp_path / "remote"))
    grow(there, "audit/there", "entry")
    assert push(there, remote_of(there, tmp_path / "remote")).moved == ("audit/there",)
    assert pull(there, tmp_path / "remote").moved == ("models/churn",)
    assert push(there, remote_of(there, tmp_path / "remote")).moved == ()
    assert there.refs.get("models/churn") == second


def test_fetching_from_nowhere_brings_nothing(here: Repository, tmp_path: Path) -> None:
    assert fetch.records(here, remote_of(here, tmp_path / "none")) == fetch.Fetched(
        "origin", empty=True
    )


def test_what_nobody_has_is_missing(here: Repository, there: Repository, tmp_path: Path) -> None:
    grow(here, "models/churn", "first")
    push(here, remote_of(here, tmp_path / "remote"))
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    with pytest.raises(MissingObject, match="neither here nor"):
        fetch.content(there, remote, [object_id(b"nobody has this")])


def test_a_flipped_byte_on_the_remote_is_not_taken_in(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    oid = here.objects.put(noise(5_000))
    push(here, remote_of(here, tmp_path / "remote"))
    (pack,) = (tmp_path / "remote" / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[100] ^= 1
    pack.write_bytes(data)
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    with pytest.raises(IntegrityError, match=oid):
        fetch.content(there, remote, [oid])
    assert not there.objects.has(oid)


def test_a_pack_that_is_cut_short_on_the_remote_is_refused(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    here.objects.put(noise(5_000))
    push(here, remote_of(here, tmp_path / "remote"))
    (pack,) = (tmp_path / "remote" / "packs").iterdir()
    pack.write_bytes(pack.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=pack.name):
        fetch.records(there, remote_of(there, tmp_path / "remote"))


def test_a_list_whose_chunks_give_other_content_is_not_taken_in(
    there: Repository, tmp_path: Path
) -> None:
    mine, chunk = noise(100_000), noise(100_000, 2)
    key = blake3(chunk).digest()
    listed = key + len(chunk).to_bytes(4, "little")
    plant(
        tmp_path / "remote",
        raw_of(chunk, Kind.CHUNK),
        (blake3(mine).digest(), listed, len(mine), Kind.BLOB, Codec.LIST),
    )
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    with pytest.raises(IntegrityError, match="damaged"):
        fetch.content(there, remote, [object_id(mine)])
    assert there.objects.get(there.objects.put(mine)) == mine


def test_an_object_that_claims_to_take_gigabytes_is_refused_before_it_is_read(
    there: Repository, tmp_path: Path
) -> None:
    columns = Columns()
    content = b"a record"
    claim = Entry(len(HEADER), 2**32 - 1, len(content), Kind.RUN, Codec.RAW)
    columns.add(blake3(content).digest(), claim)
    index = columns.index()
    path = tmp_path / "remote" / key_of(index.name)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(HEADER)
        end = file.seek(2**33)  # a hole, so that all of it can be read
        file.write(index.raw + trailer(index, end))
    held = Held(path.stat().st_size, 1)
    (tmp_path / "remote" / "state").write_bytes(state.encode(State({index.name: held})))
    with pytest.raises(IntegrityError, match="too many"):
        fetch.records(there, remote_of(there, tmp_path / "remote"))


def test_an_index_in_which_nothing_could_be_found_is_refused(
    there: Repository, tmp_path: Path
) -> None:
    columns = Columns()
    for _ in range(2):
        columns.add(blake3(b"twice").digest(), Entry(len(HEADER), 5, 5, Kind.BLOB, Codec.RAW))
    index = columns.index()
    data = HEADER + b"twice" + index.raw + trailer(index, len(HEADER) + 5)
    path = tmp_path / "remote" / key_of(index.name)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    held = Held(len(data), 2)
    (tmp_path / "remote" / "state").write_bytes(state.encode(State({index.name: held})))
    with pytest.raises(IntegrityError, match="not what its name says"):
        fetch.records(there, remote_of(there, tmp_path / "remote"))


def test_a_ref_to_what_the_remote_has_not_is_not_taken_over(
    there: Repository, tmp_path: Path
) -> None:
    (tmp_path / "remote").mkdir()
    nothing = State({}, {"audit/0123456789abcdef": object_id(b"nothing")})
    (tmp_path / "remote" / "state").write_bytes(state.encode(nothing))
    with pytest.raises(IntegrityError, match="not there"):
        fetch.records(there, remote_of(there, tmp_path / "remote"))
    assert there.refs.all() == {}


def test_a_list_that_is_its_own_chunk_is_not_taken_in(there: Repository, tmp_path: Path) -> None:
    mine = noise(100_000)
    key = blake3(mine).digest()
    listed = key + len(mine).to_bytes(4, "little")
    plant(tmp_path / "remote", (key, listed, len(mine), Kind.BLOB, Codec.LIST))
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    with pytest.raises((IntegrityError, MissingObject)):
        fetch.content(there, remote, [object_id(mine)])
    assert there.objects.get(there.objects.put(mine)) == mine


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (Kind.TREE, b"no tree"),
        (Kind.TREE, b"mlo tree 1\n\1" + bytes(40) + b"\2\0.."),
        (Kind.RUN, b"no record"),
        (Kind.EVENT, b"[]"),
        (Kind.AUDIT, b"[" * 100_000),
    ],
    ids=["no tree", "a way out", "no record", "a list", "deep"],
)
def test_a_record_that_nobody_could_read_is_not_taken_in(
    there: Repository, tmp_path: Path, kind: Kind, content: bytes
) -> None:
    plant(tmp_path / "remote", raw_of(content[:60_000], kind))
    with pytest.raises(IntegrityError, match="on the remote 'origin' is damaged"):
        fetch.records(there, remote_of(there, tmp_path / "remote"))
    assert list(there.objects.each(kind)) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("state", "mlo remote 99\n", "format unknown here"),
        ("state", "something else", "not a remote of mlo's"),
        ("format", "mlo store 1\n", "the store of a project"),
    ],
)
def test_a_place_that_holds_something_else_is_left_alone(
    here: Repository, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / "remote").mkdir()
    (tmp_path / "remote" / name).write_text(text)
    here.objects.put(b"content")
    with pytest.raises(StateError, match=said):
        push(here, remote_of(here, tmp_path / "remote"))
    with pytest.raises(StateError, match=said):
        fetch.records(here, remote_of(here, tmp_path / "remote"))
    assert [path.name for path in (tmp_path / "remote").iterdir()] == [name]


def test_a_damaged_copy_of_an_index_is_read_again(here: Repository, tmp_path: Path) -> None:
    oid = here.objects.put(b"content")
    remote = remote_of(here, tmp_path / "remote")
    push(here, remote)
    (copy,) = (here.layout.remotes / "origin").glob("*.idx")
    copy.write_bytes(copy.read_bytes()[:-10] + b"0123456789")
    again = Catalogue(here.layout.remotes / "origin")
    assert not again.has(oid)
    again.refresh(remote.transport, remote.read().state.packs)
    assert again.has(oid)


def test_a_damaged_note_of_where_a_remote_stood_counts_as_none(
    here: Repository, tmp_path: Path
) -> None:
    grow(here, "models/churn", "first")
    push(here, remote_of(here, tmp_path / "remote"))
    note = here.layout.remotes / "origin" / "refs"
    note.write_bytes(b"junk" + note.read_bytes())
    grow(here, "models/churn", "second")
    assert push(here, remote_of(here, tmp_path / "remote")).moved == ("models/churn",)
    assert remote_of(here, tmp_path / "remote").known_refs() == here.refs.all()


def test_a_pack_merged_away_while_it_is_pushed_is_still_sent(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    oid = here.objects.put(b"content")
    (name,) = here.objects.indexes()
    pack = here.objects.pack(name)
    pack.path.unlink()
    remote = remote_of(there, tmp_path / "remote")
    remote.transport.write_new(key_of(name), pack.source())
    remote.replace(remote.read(), State({name: Held(pack.size, pack.index.count)}))
    fetch.records(there, remote)
    fetch.content(there, remote, [oid])
    assert there.objects.get(oid) == b"content"


@pytest.mark.parametrize("url", ["ftp://host/x", "s4://bucket"])
def test_kinds_of_url_that_are_not_known_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(RequestError, match="not known"):
        open_transport(url, tmp_path)


def test_a_file_url_names_a_folder_from_the_root(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no folder on this machine"):
        open_transport("file://relative", tmp_path)


def test_a_relative_folder_starts_at_the_root(tmp_path: Path) -> None:
    found = open_transport("../store", tmp_path / "project")
    assert found.url == str(tmp_path / "store")
    assert open_transport("file:///some/where%20else", tmp_path).url == "/some/where else"


PUSHER = """
import sys
from pathlib import Path
from mlops_cli.core.repository import open_repository
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.state import Held, State

repo = open_repository(Path(sys.argv[1]))
print("go", flush=True)
push(repo, Remote("origin", FolderTransport(Path(sys.argv[2])), repo.layout.remotes / "origin"))
"""


@pytest.mark.parametrize("after_bytes", [0, 1, 20_000_000, 90_000_000])
def test_a_killed_push_leaves_the_remote_whole_and_is_taken_up_again(
    here: Repository, there: Repository, tmp_path: Path, after_bytes: int
) -> None:
    with here.objects.writer() as writer:
        oids = [writer.put(noise(60_000, seed)) for seed in range(2_500)]
    head = grow(here, "models/churn", "first")
    folder = tmp_path / "remote"
    process = subprocess.Popen(
        [sys.executable, "-c", PUSHER, str(here.root), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    while process.poll() is None:
        if bytes_in(folder / "packs") >= after_bytes:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.communicate()
    remote = remote_of(there, folder)
    fetch.records(there, remote)
    assert set(there.refs.all()) <= {"models/churn"}
    push(open_repository(here.root), remote_of(here, folder))
    pull(there, folder)
    assert there.refs.get("models/churn") == head
    assert there.objects.get(oids[-1]) == noise(60_000, 2_499)
    assert set(there.objects.each(Kind.BLOB)) == set(oids)


def told_against(repo: Repository, base: bytes, content: bytes) -> None:
    """Store `content` as a delta against `base`."""
    payload = delta.encode(content, (blake3(base).digest(), base))
    assert payload is not None
    entry = Entry(0, len(payload), len(content), Kind.CHUNK, Codec.DELTA)
    with repo.objects.writer() as writer:
        writer.put_stored(object_id(content), entry, payload)


def test_two_clones_may_store_a_chunk_each_in_its_own_form(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    """What one clone tells a delta against is a delta itself where the other pushed it first."""
    first, second, third = (noise(20_000)[:-8] + noise(8, seed) for seed in (1, 2, 3))
    here.objects.put(first, Kind.CHUNK)
    told_against(here, first, second)
    there.objects.put(second, Kind.CHUNK)
    told_against(there, second, third)
    for repo in (here, there):
        push(repo, remote_of(repo, tmp_path / "remote"))
    fresh = create(tmp_path / "fresh")
    remote = remote_of(fresh, tmp_path / "remote")
    fetch.records(fresh, remote)
    fetch.content(fresh, remote, [object_id(third)])
    assert fresh.objects.get(object_id(third)) == third


def test_all_that_was_told_against_each_other_is_fetched_in_its_order(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    contents = [
        [noise(20_000, seed)[:-8] + noise(8, seed + version) for version in (1, 2, 3)]
        for seed in range(100, 180, 10)
    ]
    for first, second, third in contents:
        here.objects.put(first, Kind.CHUNK)
        told_against(here, first, second)
        there.objects.put(second, Kind.CHUNK)
        told_against(there, second, third)
    for repo in (here, there):
        push(repo, remote_of(repo, tmp_path / "remote"))
    fresh = create(tmp_path / "fresh")
    pull(fresh, tmp_path / "remote")
    for versions in contents:
        assert [fresh.objects.get(object_id(one)) for one in versions] == versions


def test_deltas_told_against_each_other_in_a_circle_are_refused(
    there: Repository, tmp_path: Path
) -> None:
    one, other = (noise(20_000)[:-8] + noise(8, seed) for seed in (1, 2))
    circle = []
    for content, base in ((one, other), (other, one)):
        payload = delta.encode(content, (blake3(base).digest(), base))
        assert payload is not None
        circle.append((blake3(content).digest(), payload, len(content), Kind.CHUNK, Codec.DELTA))
    plant(tmp_path / "remote", *circle)
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    with pytest.raises(IntegrityError, match="told against itself"):
        fetch.content(there, remote, [object_id(one)])
    assert not there.objects.has(object_id(one))


def test_a_ref_that_moves_while_a_push_sends_waits_for_the_next_push(
    here: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = grow(here, "models/churn", "first")
    remote = remote_of(here, tmp_path / "remote")
    write_new = FolderTransport.write_new

    def meanwhile(self: FolderTransport, key: str, source: Path | bytes) -> None:
        monkeypatch.undo()
        grow(open_repository(here.root), "models/churn", "second")
        write_new(self, key, source)

    monkeypatch.setattr(FolderTransport, "write_new", meanwhile)
    push(here, remote)
    assert remote.read().state.refs == {"models/churn": first}
    push(here, remote)
    second = here.refs.get("models/churn")
    assert remote.read().state.refs == {"models/churn": second}
    assert second is not None
    assert remote.catalogue.has(second)


def test_a_remote_that_was_put_back_to_an_older_state_gets_all_of_it_again(
    here: Repository, tmp_path: Path
) -> None:
    grow(here, "models/churn", "first")
    remote = remote_of(here, tmp_path / "remote")
    push(here, remote)
    older = (tmp_path / "remote" / "state").read_bytes()
    second = grow(here, "models/churn", "second")
    push(here, remote)
    (tmp_path / "remote" / "state").write_bytes(older)
    push(here, remote)
    assert remote.read().state.refs == {"models/churn": second}
    assert remote.catalogue.has(second)


def test_a_remote_that_was_pushed_to_and_is_gone_is_not_made_anew(
    here: Repository, tmp_path: Path
) -> None:
    here.objects.put(b"content")
    push(here, remote_of(here, tmp_path / "remote"))
    (tmp_path / "remote").rename(tmp_path / "unmounted")
    with pytest.raises(StateError, match=r"held 1 pack when last seen, and there is nothing at"):
        push(here, remote_of(here, tmp_path / "remote"))
    assert not (tmp_path / "remote").exists()
    (tmp_path / "unmounted").rename(tmp_path / "remote")
    assert push(here, remote_of(here, tmp_path / "remote")).objects == 0


def test_fetching_from_where_nothing_is_says_so(here: Repository, tmp_path: Path) -> None:
    assert fetch.records(here, remote_of(here, tmp_path / "remote")).empty
    here.objects.put(b"content")
    push(here, remote_of(here, tmp_path / "remote"))
    assert not fetch.records(here, remote_of(here, tmp_path / "remote")).empty
