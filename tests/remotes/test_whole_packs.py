"""A pack is brought whole only if all of it is what its name says."""

from pathlib import Path

import pytest

from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import ExternalError, IntegrityError
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from tests.conftest import noise
from tests.remotes.conftest import remote_of


@pytest.fixture
def pushed(tmp_path: Path) -> list[str]:
    """Return the ids of what is in the one pack of a remote."""
    here = create(tmp_path / "here")
    with here.objects.writer() as writer:
        oids = [writer.put(noise(5_000, seed)) for seed in range(100)]
    push(here, remote_of(here, tmp_path / "remote"))
    return list(oids)


def bring(tmp_path: Path, wanted: list[str]) -> Repository:
    there = create(tmp_path / "there")
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    fetch.content(there, remote, wanted)  # type: ignore[arg-type]  # ids they are
    return there


def test_a_pack_of_which_all_is_wanted_comes_as_it_is(tmp_path: Path, pushed: list[str]) -> None:
    there = bring(tmp_path, pushed)
    (sent,) = (tmp_path / "remote" / "packs").iterdir()
    (kept,) = there.layout.packs.iterdir()
    assert (kept.name, kept.read_bytes()) == (sent.name, sent.read_bytes())
    assert all(there.objects.has(oid) for oid in there.objects.each(Kind.BLOB))
    assert list(there.layout.tmp.iterdir()) == []


def test_a_pack_of_which_half_is_wanted_is_not_brought_whole(
    tmp_path: Path, pushed: list[str]
) -> None:
    there = bring(tmp_path, pushed[:50])
    assert set(there.objects.each(Kind.BLOB)) == set(pushed[:50])


@pytest.mark.parametrize("at", [0, 37, 99])
def test_a_flipped_bit_in_it_is_refused_and_nothing_kept(
    tmp_path: Path, pushed: list[str], at: int
) -> None:
    (sent,) = (tmp_path / "remote" / "packs").iterdir()
    raw = bytearray(sent.read_bytes())
    raw[16 + at * 5_000 + 17] ^= 4
    sent.write_bytes(raw)
    with pytest.raises(IntegrityError, match="on the remote 'origin' is damaged"):
        bring(tmp_path, pushed)
    there = create(tmp_path / "there")
    assert list(there.layout.packs.iterdir()) == []
    assert list(there.layout.tmp.iterdir()) == []


def test_one_that_is_cut_short_is_refused_and_nothing_kept(
    tmp_path: Path, pushed: list[str]
) -> None:
    there = create(tmp_path / "there")
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    (sent,) = (tmp_path / "remote" / "packs").iterdir()
    with sent.open("r+b") as file:
        file.truncate(100_000)
    with pytest.raises(ExternalError, match="ended early"):
        fetch.content(there, remote, pushed)  # type: ignore[arg-type]  # ids they are
    assert list(there.layout.packs.iterdir()) == []
    assert list(there.layout.tmp.iterdir()) == []
