"""A real `sshd` for tests: an ordinary process on 127.0.0.1, with keys and settings of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_cli.remotes.ssh import SshTransport

_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")

_SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {here}/host_key
PidFile none
AuthorizedKeysFile {here}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 100
Subsystem sftp {sftp}
"""

_CLIENT = """\
Host *
    HostName 127.0.0.1
    Port {port}
    HostKeyAlias {alias}
    UserKnownHostsFile {here}/known_hosts
    GlobalKnownHostsFile /dev/null
    IdentityFile {here}/{key}
    IdentitiesOnly yes
    IdentityAgent none
    StrictHostKeyChecking yes
"""


@dataclass(frozen=True, slots=True)
class Sshd:
    """A server that runs, of `program`; `here` holds its keys, settings and the client's."""

    program: str
    here: Path
    port: int

    @property
    def sftp(self) -> str:
        """The program that serves SFTP."""
        return next((path for path in _SFTP_SERVERS if Path(path).exists()), "internal-sftp")

    @property
    def command(self) -> str:
        """What stands for `ssh`, as `GIT_SSH_COMMAND`: `ssh` with settings that let it in."""
        return self.client()

    def client(self, *, key: str = "user_key", alias: str = "tester") -> str:
        """Return an `ssh` with a key and a name for the server's host key."""
        path = self.here / f"client-{key}-{alias}"
        path.write_text(_CLIENT.format(port=self.port, here=self.here, key=key, alias=alias))
        return f"ssh -F {path}"

    def other_server(self, settings: str) -> str:
        """Return an `ssh` that starts a server of its own, where `settings` say what SFTP is."""
        number = sum(1 for _ in self.here.glob("other-*"))
        path = self.here / f"other-{number}"
        own = (self.here / "sshd_config").read_text()
        lines = [line for line in own.splitlines() if not line.startswith("Subsystem")]
        path.write_text("\n".join([*lines, settings, ""]))
        return f"{self.command} -o 'ProxyCommand={self.program} -i -f {path}'"

    def transport(self, folder: Path) -> SshTransport:
        """Return a transport to a folder of this machine, by way of the server."""
        return SshTransport(f"ssh://tester-host{folder}", ssh=self.command)


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Start the server, and stop it at the end."""
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        reason = "there is no sshd; Debian has it in openssh-server"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    here = tmp_path_factory.mktemp("sshd")
    port = _configure(here)
    line = [program, "-D", "-e", "-f", here / "sshd_config"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as server:
        try:
            _wait(server)
            yield Sshd(program, here, port)
        finally:
            server.terminate()


def _configure(here: Path) -> int:
    """Write keys and settings; return the port it is to listen on."""
    for name in ("host_key", "user_key", "stranger_key"):
        line = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", here / name]
        subprocess.run(line, check=True)
    host_key = (here / "host_key.pub").read_text()
    other_key = (here / "stranger_key.pub").read_text()
    (here / "known_hosts").write_text(f"tester {host_key}changed {other_key}")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it gives up its rights
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    sftp = next((path for path in _SFTP_SERVERS if Path(path).exists()), "internal-sftp")
    (here / "sshd_config").write_text(_SERVER.format(port=port, here=here, sftp=sftp))
    return port


def _wait(server: "subprocess.Popen[str]") -> None:
    assert server.stderr is not None
    said = ""
    while "Server listening" not in said:
        line = server.stderr.readline()
        assert line, f"sshd did not start: {said}"
        said += line
