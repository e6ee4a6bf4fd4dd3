"""What every test stands on: a home and a git of its own, a project, and `mlo` as users run it."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.servers.files import file_server
from tests.servers.seaweed import s3_server
from tests.servers.sshd import ssh_server

if TYPE_CHECKING:
    from mlops_cli.core.repository import Repository

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    # every core runs tests: more threads only wait for each other, up to twenty times as long
    os.environ.setdefault(_threads, "1")

__all__ = ["file_server", "s3_server", "ssh_server"]  # fixtures for all

TESTS = Path(__file__).parent

CHILDREN_COUNT = (
    "faults", "pipeline", "serving", "test_api", "test_autolog", "user/test_sweep",
)  # fmt: skip
"""Tests whose child processes run code that is run nowhere else: there coverage is measured too.

In all others it is not, for it takes a third of the time of tests that start many processes.
"""

SETTINGS = ("MLO_", "_MLO", "GIT_", "XDG_", "AWS_", "HTTP_", "HTTPS_", "ALL_PROXY", "NETRC", "SSL_")
"""Variables of the environment, by how they begin, that would change what a test sees."""

GIT_CONFIG = """\
[user]
	name = Ada Byron
	email = ada@example.org
[init]
	defaultBranch = main
[commit]
	gpgSign = false
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """How one `mlo` command line ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What it printed with `--json`."""
        import json

        return json.loads(self.stdout)


class Mlo(Protocol):
    """Runs `mlo ARGUMENTS`; checks the exit code unless `code` is None."""

    def __call__(
        self,
        *arguments: str | Path,
        code: int | None = 0,
        cwd: Path | None = None,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        wait_s: float = 120,
    ) -> Finished: ...


@pytest.fixture(autouse=True)
def own_home(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Path:
    """Keep a test away from the developer's settings, and their settings from the test."""
    home = tmp_path_factory.mktemp("home")
    where = Path(request.node.path)
    here = where.relative_to(TESTS).as_posix() if where.is_relative_to(TESTS) else ""
    if not here.startswith(CHILDREN_COUNT):
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    (home / ".gitconfig").write_text(GIT_CONFIG)
    for name in [name for name in os.environ if name.upper().startswith(SETTINGS)]:
        monkeypatch.delenv(name)
    settings = {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "80",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new project, a git repository with one commit and mlo's store, and go into it."""
    from mlops_cli.data.begin import begin

    root = tmp_path / "project"
    begin(root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Begin")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="session")
def mlo() -> Mlo:
    """Run the installed program as a process of its own, as a user does."""
    program = Path(sys.executable).parent / "mlo"

    def call(
        *arguments: str | Path,
        code: int | None = 0,
        cwd: Path | None = None,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        wait_s: float = 120,
    ) -> Finished:
        done = subprocess.run(
            [program, *arguments],
            cwd=cwd,
            input=stdin,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=wait_s,
        )
        return _checked(Finished(done.returncode, done.stdout, done.stderr), arguments, code)

    return call


@pytest.fixture(scope="session")
def mlo_here() -> Mlo:
    """Run a command line inside this process: the same code from `cli.main.run` down, without
    the second that a new Python takes to import pandas and scikit-learn.
    """
    from mlops_cli.cli.main import run

    def call(
        *arguments: str | Path,
        code: int | None = 0,
        cwd: Path | None = None,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        wait_s: float = 120,
    ) -> Finished:
        before = Path.cwd()
        with (
            pytest.MonkeyPatch.context() as patch,
            _redirected(0, stdin),
            _redirected(1) as stdout,
            _redirected(2) as stderr,
        ):
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            patch.chdir(cwd or before)
            ended = run([os.fspath(argument) for argument in arguments])
        return _checked(Finished(ended, stdout.text, stderr.text), arguments, code)

    return call


def git(root: Path, *arguments: str) -> str:
    """Run git in `root` and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def noise(size: int, seed: int = 1) -> bytes:
    """Return bytes that do not compress, the same for a seed each time."""
    from blake3 import blake3

    return blake3(seed.to_bytes(8, "little")).digest(length=size)


def versioned(project: Path, data: Mapping[str, "bytes | Mapping[str, bytes]"]) -> "Repository":
    """Write files, and folders of files, version each, and commit that; return the project."""
    from mlops_cli.core.repository import open_repository
    from mlops_cli.data.add import add

    for path, content in data.items():
        inner = {"": content} if isinstance(content, bytes) else content
        for name, held in inner.items():
            file = project / path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(held)
    repo = open_repository(project)
    add(repo, [project / path for path in data])
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Data")
    return repo


def in_threads(work: Callable[[int], None], count: int) -> list[BaseException]:
    """Call `work` with each number in a thread of its own, all at once; return what they raised."""
    raised: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001  shown by who asserts on it
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def unwatched() -> dict[str, str]:
    """Return the environment for a process whose modules are counted: coverage loads its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def _checked(finished: Finished, arguments: tuple[str | Path, ...], code: int | None) -> Finished:
    if code is not None and finished.code != code:
        line = " ".join(map(str, ("mlo", *arguments)))
        pytest.fail(
            f"`{line}` ended with {finished.code}, not {code}\n"
            f"--- stdout\n{finished.stdout}--- stderr\n{finished.stderr}"
        )
    return finished


class _Caught:
    text = ""


@contextmanager
def _redirected(number: int, content: str = "") -> Iterator[_Caught]:
    """Let a standard stream, the descriptor and Python's object, be a file for a while."""
    name = ("stdin", "stdout", "stderr")[number]
    caught = _Caught()
    shown = getattr(sys, name)
    kept = os.dup(number)
    with tempfile.TemporaryFile() as file:
        file.write(content.encode())
        file.seek(0)
        os.dup2(file.fileno(), number)
        mode = "w" if number else "r"
        stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
        setattr(sys, name, stream)
        try:
            yield caught
        finally:
            stream.close()
            setattr(sys, name, shown)
            os.dup2(kept, number)
            os.close(kept)
            file.seek(0)
            caught.text = file.read().decode() if number else ""
