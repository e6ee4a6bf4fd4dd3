"""Of any number of clients that swap at once one wins, however slow or dead the others are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_cli.errors import Conflict
from mlops_cli.remotes.ssh import Candidates, SshTransport
from mlops_cli.remotes.swap import Files, swap
from tests.servers.sshd import Sshd

STEPS = ("create", "candidates", "current", "install")


@pytest.fixture
def transport(ssh_server: Sshd, tmp_path: Path) -> SshTransport:
    return ssh_server.transport(tmp_path / "remote")


class Slow:
    """A client that is held up once, just before one of its steps."""

    def __init__(self, files: Files, step: str, meanwhile: Callable[[], None]) -> None:
        self.url = files.url
        self._files = files
        self._step = step
        self._meanwhile = meanwhile

    def _at(self, step: str) -> Files:
        if step == self._step:
            self._step = ""
            self._meanwhile()
        return self._files

    def create(self, name: str, data: bytes) -> None:
        self._at("create").create(name, data)

    def candidates(self) -> list[str]:
        return self._at("candidates").candidates()

    def discard(self, name: str) -> None:
        self._files.discard(name)

    def current(self, key: str) -> bytes | None:
        return self._at("current").current(key)

    def install(self, name: str, key: str) -> bool:
        return self._at("install").install(name, key)


def at_once(_: float) -> None:
    """Do not wait for others."""


@pytest.mark.parametrize("step", STEPS)
def test_who_was_held_up_while_another_swapped_has_lost(transport: SshTransport, step: str) -> None:
    transport.compare_and_swap("state", None, b"old")

    def other() -> None:
        swap(Candidates(transport), "state", b"old", b"other", sleep=at_once)

    slow = Slow(Candidates(transport), step, other)
    with pytest.raises(Conflict):
        swap(slow, "state", b"old", b"slow", sleep=at_once)
    assert transport.read("state") == b"other"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("other_step", STEPS[1:])
def test_of_two_that_are_held_up_in_turns_one_wins(
    transport: SshTransport, step: str, other_step: str
) -> None:
    transport.compare_and_swap("state", None, b"0")
    won: list[bytes] = []

    def attempt(files: Files, new: bytes) -> None:
        try:
            swap(files, "state", b"0", new, sleep=at_once)
            won.append(new)
        except Conflict:
            pass

    third = Candidates(transport)
    second = Slow(Candidates(transport), other_step, lambda: attempt(third, b"3"))
    first = Slow(Candidates(transport), step, lambda: attempt(second, b"2"))
    attempt(first, b"1")
    assert won == [transport.read("state")]


@pytest.mark.parametrize("rank", ["0" * 16, "f" * 16])
def test_what_a_dead_client_left_holds_nobody_up(
    transport: SshTransport, tmp_path: Path, rank: str
) -> None:
    transport.compare_and_swap("state", None, b"old")
    Candidates(transport).create(f"state+{rank}.0", b"of the dead")
    swap(Candidates(transport), "state", b"old", b"new", sleep=at_once)
    assert transport.read("state") == b"new"
    assert list((tmp_path / "remote" / "tmp").iterdir()) == []


def test_a_swap_of_another_key_is_left_alone(transport: SshTransport, tmp_path: Path) -> None:
    Candidates(transport).create("refs+" + "f" * 16 + ".0", b"of another")
    transport.compare_and_swap("state", None, b"new")
    assert len(list((tmp_path / "remote" / "tmp").iterdir())) == 1
