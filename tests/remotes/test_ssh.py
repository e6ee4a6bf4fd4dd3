"""A remote on another host: by the user's own ssh, checked, shared, with failures told plainly."""

import os
import signal
import stat
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mlops_cli.errors import Conflict, ExternalError, MloError, RequestError
from mlops_cli.remotes.folder import FolderTransport
from mlops_cli.remotes.kinds import open_transport
from mlops_cli.remotes.ssh import SshTransport
from mlops_cli.remotes.ssh_address import Address, address
from mlops_cli.remotes.transport import MissingKey, Transport
from tests.servers.sshd import Sshd


@pytest.fixture
def remote(ssh_server: Sshd, tmp_path: Path) -> SshTransport:
    return ssh_server.transport(tmp_path / "remote")


@pytest.mark.parametrize(
    ("url", "destination", "port", "folder"),
    [
        ("ssh://host/srv/store", "host", None, "/srv/store"),
        ("ssh://ada@host:2222/srv/store/", "ada@host", 2222, "/srv/store"),
        ("ssh://host/~/a%20b", "host", None, "a b"),
        ("ssh://[::1]:22/x", "::1", 22, "/x"),
        ("host:store", "host", None, "store"),
        ("ada@host:/srv/my store", "ada@host", None, "/srv/my store"),
        ("host:~/store", "host", None, "store"),
        ("ada@[fe80::1%eth0]:x", "ada@fe80::1%eth0", None, "x"),
        ("ssh://host/déjà%20vu", "host", None, "/déjà vu"),
    ],
)
def test_a_url_names_a_folder_as_for_git(
    url: str, destination: str, port: int | None, folder: str
) -> None:
    assert address(url) == Address(destination, port, folder)


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=touch/x",
        "ssh://-l@host/x",
        "-oProxyCommand=touch:x",
        "ssh://host;id/x",
        "ssh://$(id)/x",
        "ssh://a b/x",
        "ssh://host",
        "ssh://host/",
        "ssh://host/~",
        "ssh://host/~other/x",
        "host:~other/x",
        "ssh:///x",
        "ssh://host:port/x",
        "ssh://host/a%00b",
    ],
)
def test_what_ssh_could_take_for_an_option_or_names_nothing_is_refused(url: str) -> None:
    with pytest.raises(RequestError):
        address(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(RequestError, match="holds no password") as caught:
        address("ssh://ada:hunter2@host/x")
    assert "hunter2" not in caught.value.message + str(caught.value.hint)


def test_a_folder_is_not_mistaken_for_a_host(tmp_path: Path) -> None:
    (tmp_path / "runs:2024").mkdir()
    assert isinstance(open_transport("runs:2024", tmp_path), FolderTransport)
    assert isinstance(open_transport("./runs:2025", tmp_path), FolderTransport)
    assert isinstance(open_transport("../host:x", tmp_path), FolderTransport)
    assert isinstance(open_transport("runs:2025", tmp_path), SshTransport)
    assert isinstance(open_transport("ssh://runs/2025", tmp_path), SshTransport)


@pytest.mark.parametrize("start", [0, 1, 261_119, 2_999_999, 3_000_000, 4_000_000])
@pytest.mark.parametrize("length", [0, 1, 300_000, 5_000_000, None])
def test_any_range_is_what_the_file_has_there(
    remote: SshTransport, tmp_path: Path, start: int, length: int | None
) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "remote").mkdir()
    (tmp_path / "remote" / "x").write_bytes(content)
    end = None if length is None else start + length
    assert remote.read("x", start, length) == content[start:end]


def refusal(transport: SshTransport, ask: Callable[[SshTransport], object]) -> MloError:
    with pytest.raises(ExternalError) as caught:
        ask(transport)
    assert "\n" not in caught.value.message + str(caught.value.hint)
    assert caught.value.hint
    return caught.value


def listed(transport: SshTransport) -> object:
    return transport.list("packs/")


def test_a_host_that_is_not_known_is_named() -> None:
    error = refusal(SshTransport("ssh://no..host/x", ssh="ssh -F /dev/null"), listed)
    assert error.message == "the host 'no..host' is not known"


@pytest.mark.parametrize(
    ("client", "message"),
    [
        ({"alias": "changed"}, "the host key of 'host' is not the one that is known here"),
        ({"alias": "nobody"}, "the host key of 'host' is not known here"),
        ({"key": "stranger_key"}, "'host' does not let you in"),
    ],
)
def test_a_host_that_is_not_who_it_says_or_lets_nobody_in_is_told_apart(
    ssh_server: Sshd, client: dict[str, str], message: str
) -> None:
    transport = SshTransport("ssh://host/x", ssh=ssh_server.client(**client))
    assert refusal(transport, listed).message == message


def test_a_port_where_nobody_listens_is_told(ssh_server: Sshd) -> None:
    transport = SshTransport("ssh://127.0.0.1:1/x", ssh="ssh -F /dev/null")
    message = refusal(transport, listed).message
    assert message.startswith("cannot reach '127.0.0.1': ssh: connect to host")


def test_a_server_without_sftp_is_told(ssh_server: Sshd) -> None:
    transport = SshTransport("ssh://host/x", ssh=ssh_server.other_server("Subsystem other /x"))
    assert refusal(transport, listed).message == "'host' has no SFTP"


def test_a_shell_that_prints_something_is_told() -> None:
    chatty = SshTransport("ssh://host/x", ssh="echo Welcome to this host; cat; :")
    assert "is not SFTP" in refusal(chatty, listed).message


def test_a_program_that_is_missing_is_told() -> None:
    gone = SshTransport("ssh://host/x", ssh="/no/such/ssh")
    assert "/no/such/ssh" in refusal(gone, listed).message


def test_what_may_not_be_written_is_told(ssh_server: Sshd, tmp_path: Path) -> None:
    only_read = ssh_server.other_server(f"Subsystem sftp {ssh_server.sftp} -R")
    (tmp_path / "tmp").mkdir()
    transport = SshTransport(f"ssh://host{tmp_path}", ssh=only_read)
    error = refusal(transport, lambda one: one.write_new("packs/a", b"x"))
    assert "permission denied" in error.message
    refusal(transport, lambda one: one.compare_and_swap("state", None, b"x"))


def test_a_server_that_knows_no_extensions_serves_all_but_swaps(
    ssh_server: Sshd, tmp_path: Path
) -> None:
    if not ssh_server.sftp.startswith("/"):
        pytest.skip("this server cannot be told to do less")
    denied = "posix-rename,fsync,statvfs,limits"
    plain = ssh_server.other_server(f"Subsystem sftp {ssh_server.sftp} -P {denied}")
    transport = SshTransport(f"ssh://host{tmp_path}/remote", ssh=plain)
    transport.write_new("packs/a", b"x" * 1_000_000)
    transport.write_new("packs/a", b"y")
    assert transport.read("packs/a") == b"x" * 1_000_000
    assert transport.list("packs/") == ["packs/a"]
    error = refusal(transport, lambda one: one.compare_and_swap("state", None, b"x"))
    assert "lacks posix-rename" in error.message
    transport.close()


def test_a_full_disk_is_told_and_leaves_nothing_behind(ssh_server: Sshd, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        transport = ssh_server.transport(small / "remote")
        transport.write_new("packs/a", b"x")
        error = refusal(transport, lambda one: one.write_new("packs/b", b"x" * 5_000_000))
        assert error.message == f"the disk of the remote '{transport.url}' is full"
        assert transport.list("packs/") == ["packs/a"]
        assert list((small / "remote" / "tmp").iterdir()) == []
        transport.write_new("packs/c", b"x" * 500_000)
        transport.close()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def with_pid(server: Sshd, path: Path) -> str:
    """Return an `ssh` that notes its process."""
    return f"echo $$ > {path}; exec {server.command}"


def test_a_connection_lost_half_way_is_told_and_made_again(
    ssh_server: Sshd, tmp_path: Path
) -> None:
    transport = SshTransport(
        f"ssh://host{tmp_path}/remote", ssh=with_pid(ssh_server, tmp_path / "pid")
    )
    os.mkfifo(tmp_path / "source")

    def feed() -> None:
        with suppress(BrokenPipeError), (tmp_path / "source").open("wb") as source:
            source.write(b"x" * 8_000_000)
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
            source.write(b"x" * 8_000_000)

    feeder = threading.Thread(target=feed)
    feeder.start()
    error = refusal(transport, lambda one: one.write_new("packs/a", tmp_path / "source"))
    rest = os.open(tmp_path / "source", os.O_RDONLY | os.O_NONBLOCK)
    while feeder.is_alive():
        with suppress(BlockingIOError):
            os.read(rest, 1_000_000)
    os.close(rest)
    feeder.join()
    assert error.message.startswith("the connection to 'host' was lost")
    assert "run the same command again" in str(error.hint)
    assert transport.list("packs/") == []
    transport.write_new("packs/a", b"whole")
    assert transport.read("packs/a") == b"whole"
    transport.close()


def test_a_host_that_falls_silent_is_given_up(ssh_server: Sshd, tmp_path: Path) -> None:
    transport = SshTransport(
        f"ssh://host{tmp_path}/remote",
        ssh=with_pid(ssh_server, tmp_path / "pid"),
    )
    transport.write_new("packs/a", b"x")
    link = transport._connection()._link
    assert link is not None
    link._stall_s = 0.2
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGSTOP)
    assert refusal(transport, listed).message == "'host' has not answered for 0.2 seconds"
    assert transport.list("packs/") == ["packs/a"]
    transport.close()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_put_into_a_folder_of_a_group_is_the_groups(
    remote: SshTransport, tmp_path: Path
) -> None:
    folder = tmp_path / "remote"
    folder.mkdir()
    folder.chmod(0o2770)
    remote.write_new("packs/a", b"x")
    remote.compare_and_swap("state", None, b"x")
    assert {mode_of(folder / name) for name in ("packs", "tmp")} == {0o2770}
    assert {mode_of(folder / name) for name in ("packs/a", "state")} == {0o660}


def test_else_the_servers_umask_decides(remote: SshTransport, tmp_path: Path) -> None:
    remote.write_new("packs/a", b"x")
    assert not mode_of(tmp_path / "remote" / "packs" / "a") & 0o022


def test_what_a_push_killed_long_ago_left_is_removed(ssh_server: Sshd, tmp_path: Path) -> None:
    aside = tmp_path / "remote" / "tmp"
    aside.mkdir(parents=True)
    for name in ("new-old", "new-young"):
        (aside / name).write_bytes(b"half")
    os.utime(aside / "new-old", (0, 0))
    ssh_server.transport(tmp_path / "remote").write_new("packs/a", b"x")
    assert [path.name for path in aside.iterdir()] == ["new-young"]


def test_clients_by_ssh_and_in_the_folder_itself_lose_no_change(
    ssh_server: Sshd, tmp_path: Path
) -> None:
    by_ssh = [
        SshTransport(
            f"ssh://host{tmp_path}/remote", ssh=f"{ssh_server.command} -o SendEnv=CLIENT_{number}"
        )
        for number in range(3)
    ]
    clients: list[Transport] = [*by_ssh, FolderTransport(tmp_path / "remote")]
    clients[0].compare_and_swap("state", None, b"0")

    def count(client: Transport) -> None:
        done = 0
        while done < 8:
            now = client.read("state")
            try:
                client.compare_and_swap("state", now, str(int(now) + 1).encode())
                done += 1
            except Conflict:
                pass

    threads = [threading.Thread(target=count, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clients[0].read("state") == b"32"
    assert list((tmp_path / "remote" / "tmp").iterdir()) == []
    for client in by_ssh:
        client.close()


def test_a_hostile_server_cannot_make_a_client_wait_or_fill_its_memory() -> None:
    huge = SshTransport("ssh://host/x", ssh=r"printf '\377\377\377\377\002'; cat; :")
    assert "is not SFTP" in refusal(huge, listed).message
    cut = SshTransport("ssh://host/x", ssh=r"printf '\000\000\000\005\002\000\000\000\003'; :")
    refusal(cut, listed)


def test_nothing_there_is_missing_and_not_an_error(remote: SshTransport) -> None:
    assert remote.list("packs/") == []
    with pytest.raises(MissingKey):
        remote.read("state")
