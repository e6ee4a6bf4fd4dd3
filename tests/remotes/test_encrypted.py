"""A remote that is encrypted gives back what was put there, or says that it does not."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_cli.core.config import Encryption
from mlops_cli.errors import Conflict, IntegrityError, RequestError, StateError
from mlops_cli.remotes import keys
from mlops_cli.remotes.encrypted import Encrypted
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.sealing import (
    HEADER_BYTES,
    MAGIC,
    SEALED_BYTES,
    SEGMENT_BYTES,
    NotSealed,
    Sealer,
    plain_size,
)
from tests.conftest import git

KEY = bytes(range(32))
SIZES = (0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES, 200_000)
PACK = "packs/a.pack"


@pytest.fixture
def remote(tmp_path: Path) -> Encrypted:
    return Encrypted(FolderTransport(tmp_path / "remote"), KEY, aside=tmp_path)


def stored(tmp_path: Path) -> Path:
    """Return the one pack as the remote has it."""
    (path,) = (tmp_path / "remote" / "packs").iterdir()
    return path


def noise(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


class Memory:
    """A remote that is a dict, for many small ones."""

    url = "memory"

    def __init__(self, **held: bytes) -> None:
        self.held = held

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self.held[key][start : None if length is None else start + length]

    def size(self, key: str) -> int:
        return len(self.held[key])

    def write_new(self, key: str, source: Path | bytes) -> None:
        assert isinstance(source, bytes)
        self.held[key] = source

    def list(self, prefix: str) -> list[str]:
        return [key for key in self.held if key.startswith(prefix)]

    def compare_and_swap(self, key: str, old: bytes | None, new: bytes) -> None:
        assert self.held.get(key) == old
        self.held[key] = new


@given(
    size=st.sampled_from(SIZES),
    start=st.integers(0, 210_000),
    length=st.none() | st.integers(0, 210_000),
)
def test_any_range_is_what_the_content_has_there(size: int, start: int, length: int | None) -> None:
    content = noise(size)
    remote = Encrypted(Memory(), KEY, aside=Path())
    remote.write_new(PACK, content)
    assert remote.size(PACK) == size
    assert remote.read(PACK) == content
    end = None if length is None else start + length
    for _ in range(2):
        assert remote.read(PACK, start, length) == content[start:end]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_gives_what_its_bytes_give(remote: Encrypted, tmp_path: Path, size: int) -> None:
    (tmp_path / "source").write_bytes(noise(size))
    remote.write_new(PACK, tmp_path / "source")
    by_file = stored(tmp_path).read_bytes()
    memory = Memory()
    Encrypted(memory, KEY, aside=tmp_path).write_new(PACK, noise(size))
    assert list(memory.held.values()) == [by_file]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["remote", "source"]


def test_the_form_on_the_remote_stays_as_it_is() -> None:
    memory = Memory()
    remote = Encrypted(memory, KEY, aside=Path())
    remote.compare_and_swap("state", None, b"content")
    remote.write_new(PACK, b"")
    assert list(memory.held) == ["state", PINNED_NAME]
    assert memory.held["state"].hex() == MAGIC.hex() + PINNED


PINNED_NAME = "packs/a60a0611eb18f95c834e3603820435a828d8186f02d3"
PINNED = (
    "55168ab91372bc0a84d1dd6366785fdab629db51bbb0fd9a95f783391c2e892dbe1fc0e1679987a9"
    "f88dc9ad0875b7b0b728595b89e59bcf532070c59fe3d2496e5d5e2ce137da"
)


@pytest.mark.parametrize("at", range(HEADER_BYTES + 16 + 3))
def test_a_flipped_bit_anywhere_is_found(at: int) -> None:
    memory = Memory()
    remote = Encrypted(memory, KEY, aside=Path())
    remote.write_new(PACK, b"abc")
    (name,) = memory.held
    damaged = bytearray(memory.held[name])
    damaged[at] ^= 1 << at % 8
    memory.held[name] = bytes(damaged)
    for start, length in ((0, None), (0, 3), (1, 1), (2, None)):
        again = Encrypted(memory, KEY, aside=Path())
        with pytest.raises(IntegrityError, match=r"packs/a\.pack"):
            again.read(PACK, start, length)


def segments(sealed: bytes) -> list[bytes]:
    body = sealed[HEADER_BYTES:]
    return [body[at : at + SEALED_BYTES] for at in range(0, len(body), SEALED_BYTES)]


DAMAGE = {
    "cut inside a segment": lambda header, parts: [header, *parts[:-1], parts[-1][:-1]],
    "cut between segments": lambda header, parts: [header, *parts[:-1]],
    "cut down to the header": lambda header, parts: [header],
    "cut inside the header": lambda header, parts: [header[:-1]],
    "nothing left": lambda header, parts: [],
    "a segment left out": lambda header, parts: [header, parts[0], *parts[2:]],
    "segments in another order": lambda header, parts: [header, parts[1], parts[0], *parts[2:]],
    "a segment twice": lambda header, parts: [header, parts[0], *parts],
    "more at the end": lambda header, parts: [header, *parts, b"x"],
    "a whole segment more": lambda header, parts: [header, *parts, parts[0]],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("size", [3 * SEGMENT_BYTES, 3 * SEGMENT_BYTES + 9])
def test_what_was_cut_or_moved_is_found(
    remote: Encrypted, tmp_path: Path, damage: str, size: int
) -> None:
    remote.write_new(PACK, noise(size))
    path = stored(tmp_path)
    sealed = path.read_bytes()
    path.write_bytes(b"".join(DAMAGE[damage](sealed[:HEADER_BYTES], segments(sealed))))
    with pytest.raises(IntegrityError):
        remote.read(PACK)
    with pytest.raises(IntegrityError):
        remote.read(PACK, 0, size + 1)


def test_an_object_under_the_name_of_another_is_found(remote: Encrypted, tmp_path: Path) -> None:
    remote.write_new("packs/a", b"aaaa")
    remote.write_new("packs/b", b"bbbb")
    one, two = (tmp_path / "remote" / "packs").iterdir()
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    for name in ("packs/a", "packs/b"):
        with pytest.raises(IntegrityError, match=name):
            remote.read(name, 0, 4)


def test_no_name_and_no_content_is_readable_there(remote: Encrypted, tmp_path: Path) -> None:
    remote.write_new("packs/secret-name", b"secret content" * 10_000)
    remote.compare_and_swap("state", None, b"secret content")
    for path in (tmp_path / "remote").rglob("*"):
        assert "secret" not in path.name
        assert path.is_dir() or b"secret content" not in path.read_bytes()
    assert remote.list("packs/") == ["packs/secret-name"]


def test_what_others_put_there_is_not_listed(remote: Encrypted, tmp_path: Path) -> None:
    remote.write_new(PACK, b"mine")
    for name in ("README", "ab" * 40, "déjà vu"):
        (tmp_path / "remote" / "packs" / name).write_bytes(b"theirs")
    assert remote.list("packs/") == [PACK]


def test_a_swap_compares_content(remote: Encrypted, tmp_path: Path) -> None:
    other = Encrypted(FolderTransport(tmp_path / "remote"), KEY, aside=tmp_path)
    remote.compare_and_swap("state", None, b"one")
    other.compare_and_swap("state", b"one", b"two")
    with pytest.raises(Conflict):
        remote.compare_and_swap("state", b"one", b"three")
    assert remote.read("state") == b"two"


def test_a_wrong_key_is_told_at_once(remote: Encrypted, tmp_path: Path) -> None:
    remote.compare_and_swap("state", None, b"content")
    wrong = Encrypted(FolderTransport(tmp_path / "remote"), bytes(32), aside=tmp_path)
    with pytest.raises(RequestError, match="the key is not the one"):
        Remote("origin", wrong, tmp_path / "cache").read()


def test_a_plain_remote_is_not_taken_for_an_encrypted_one(tmp_path: Path) -> None:
    plain = Remote("origin", FolderTransport(tmp_path / "remote"), tmp_path / "cache")
    seen = plain.read()
    plain.replace(seen, seen.state)
    with_key = Encrypted(FolderTransport(tmp_path / "remote"), KEY, aside=tmp_path)
    with pytest.raises(StateError, match="is not encrypted"):
        Remote("origin", with_key, tmp_path / "cache").read()


def test_an_encrypted_remote_is_not_taken_for_a_plain_one(
    remote: Encrypted, tmp_path: Path
) -> None:
    keyed = Remote("origin", remote, tmp_path / "cache")
    seen = keyed.read()
    keyed.replace(seen, seen.state)
    plain = Remote("origin", FolderTransport(tmp_path / "remote"), tmp_path / "cache")
    with pytest.raises(StateError, match="is encrypted"):
        plain.read()


def test_a_file_that_changes_while_it_is_encrypted_is_refused() -> None:
    sealer = Sealer(KEY)
    salt = sealer.salt("x", [b"before"])
    with pytest.raises(NotSealed):
        list(sealer.segments("x", salt, [b"after"]))


@pytest.mark.parametrize("size", [0, 1, 15, 63, HEADER_BYTES, HEADER_BYTES + 15])
def test_no_object_is_that_short(size: int) -> None:
    with pytest.raises(NotSealed):
        plain_size(size)


# Keys


def test_a_key_is_made_once_for_its_owner_alone(project: Path, own_home: Path) -> None:
    chosen = keys.choose(project, "origin", file=None, variable=None)
    written = str(chosen.encryption.key_file)
    assert written == "~/.config/mlo/keys/project-origin"
    path = Path(written).expanduser()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert chosen.made
    first = keys.find(chosen.encryption, project)
    assert len(first) == 32
    again = keys.choose(project, "origin", file=None, variable=None)
    assert (again.made, keys.find(again.encryption, project)) == (False, first)
    other = keys.choose(project, "other", file=None, variable=None)
    assert keys.find(other.encryption, project) != first


def test_a_key_comes_from_the_environment_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys.make(tmp_path / "key", "origin")
    whole = (tmp_path / "key").read_text()
    for text in (whole, whole.splitlines()[-1]):
        monkeypatch.setenv("STORE_KEY", text)
        by_file = keys.find(Encryption(key_file=str(tmp_path / "key")), project)
        assert keys.find(Encryption(key_env="STORE_KEY"), project) == by_file


def test_a_key_in_git_is_refused(project: Path) -> None:
    with pytest.raises(RequestError, match="git would take the key 'key' along"):
        keys.choose(project, "origin", file=Path("key"), variable=None)
    assert not (project / "key").exists()
    (project / ".gitignore").write_text("key\n.mlo\n")
    assert keys.choose(project, "origin", file=Path("key"), variable=None).made
    git(project, "add", "--force", "key")
    with pytest.raises(RequestError, match="git tracks the key 'key'"):
        keys.find(Encryption(key_file="key"), project)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password",
        "mlo-key-1",
        "mlo-key-1 AAAA",
        "mlo-key-1 ====",
        "mlo-key-2 " + "A" * 43 + "=",
        "mlo-key-1 " + "A" * 43 + "=\nmlo-key-1 " + "B" * 43 + "=",
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(
    project: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(RequestError, match="holds no key") as caught:
        keys.find(Encryption(key_file=str(tmp_path / "key")), project)
    said = caught.value.message + str(caught.value.hint)
    assert "password" not in said
    assert "AAAA" not in said


def test_a_key_that_is_not_there_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"is not at '.*nowhere'"):
        keys.find(Encryption(key_file=str(tmp_path / "nowhere")), project)
    assert "NO_KEY" not in os.environ
    with pytest.raises(RequestError, match="NO_KEY is not set"):
        keys.find(Encryption(key_env="NO_KEY"), project)
