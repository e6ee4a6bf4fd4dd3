"""A remote that lost a pack is found out by the next push or fetch, which says what to type."""

from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.errors import IntegrityError
from mlops_cli.remotes import fetch
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.transport import Transport
from tests.conftest import noise
from tests.remotes.conftest import grow, remote_of


class Listed:
    """A folder as a remote that is far away: it counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self._inner: Transport = FolderTransport(folder)
        self.url = str(folder)
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        return getattr(self._inner, name)


def pushed(here: Repository, folder: Path) -> list[Path]:
    """Push twice, which makes two packs."""
    for seed in range(2):
        here.objects.put(noise(20_000, seed))
        grow(here, "models/churn", str(seed))
        push(here, remote_of(here, folder))
    return sorted((folder / "packs").iterdir())


def far(repo: Repository, folder: Path) -> tuple[Remote, Listed]:
    """Return a remote that is no folder to those who ask, and what counts their questions."""
    transport = Listed(folder)
    return Remote("origin", transport, repo.layout.remotes / "origin"), transport  # type: ignore[arg-type]


def test_a_push_of_nothing_notices_a_lost_pack(here: Repository, tmp_path: Path) -> None:
    pushed(here, tmp_path / "remote")[0].unlink()
    with pytest.raises(
        IntegrityError, match=r"'origin' is damaged: 'packs/\w+.pack' is mis"
    ) as one:
        push(here, remote_of(here, tmp_path / "remote"))
    assert one.value.hint == "mlo fsck origin"
    with pytest.raises(IntegrityError, match="missing"):
        push(here, far(here, tmp_path / "remote")[0])


def test_a_push_of_more_notices_that_all_packs_are_lost(here: Repository, tmp_path: Path) -> None:
    packs = pushed(here, tmp_path / "remote")
    for pack in packs:
        pack.unlink()
    here.objects.put(b"new")
    with pytest.raises(IntegrityError, match=f"and {len(packs) - 1} more is missing"):
        push(here, remote_of(here, tmp_path / "remote"))
    assert not list((tmp_path / "remote/packs").iterdir())


def test_a_push_to_a_folder_notices_a_pack_that_was_cut_short(
    here: Repository, tmp_path: Path
) -> None:
    pack = pushed(here, tmp_path / "remote")[0]
    pack.write_bytes(pack.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="cut short"):
        push(here, remote_of(here, tmp_path / "remote"))


def test_a_push_of_nothing_asks_a_remote_twice(here: Repository, tmp_path: Path) -> None:
    pushed(here, tmp_path / "remote")
    remote, transport = far(here, tmp_path / "remote")
    assert push(here, remote).objects == 0
    assert transport.asked == ["read", "list"]


def test_a_listing_that_is_older_than_a_pack_is_no_loss(here: Repository, tmp_path: Path) -> None:
    pushed(here, tmp_path / "remote")
    remote, transport = far(here, tmp_path / "remote")
    transport.list = lambda _: []  # type: ignore[attr-defined]
    assert push(here, remote).objects == 0


def test_fetching_from_a_remote_that_lost_its_packs_says_what_to_type(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    for pack in pushed(here, tmp_path / "remote"):
        pack.unlink()
    with pytest.raises(IntegrityError, match=r"'packs/.*' is not on the remote") as one:
        fetch.records(there, remote_of(there, tmp_path / "remote"))
    assert one.value.hint == "mlo fsck origin"


def test_fetching_content_whose_pack_was_lost_since_says_so_too(
    here: Repository, there: Repository, tmp_path: Path
) -> None:
    oid = here.objects.put(noise(20_000, 7))
    packs = pushed(here, tmp_path / "remote")
    remote = remote_of(there, tmp_path / "remote")
    fetch.records(there, remote)
    for pack in packs:
        pack.unlink()
    with pytest.raises(IntegrityError, match="is damaged") as one:
        fetch.content(there, remote, [oid])
    assert one.value.hint == "mlo fsck origin"
