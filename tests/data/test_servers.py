"""What servers that run tell of themselves is there to be shown, and of no others."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mlops_cli.core.repository import Repository, create
from mlops_cli.data.servers import Account, Counted, OnTrial, running

MANY = Counted("churn", 1, "answer", 1204, 1)
FEW = Counted("churn", 2, "canary", 20, 3)
TRIAL = OnTrial("churn", "canary", MANY, FEW, 50)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def test_what_a_server_told_last_is_there_until_it_ends(repo: Repository) -> None:
    account = Account(repo.layout.servers, "http://127.0.0.1:8000")
    assert running(repo) == []
    account.tell(lambda: ([MANY, FEW], [TRIAL]))
    account.tell(lambda: ([FEW], []))  # too soon to be written
    (found,) = running(repo)
    assert found.url == "http://127.0.0.1:8000"
    assert (found.counted, found.trials) == ((MANY, FEW), (TRIAL,))
    assert (found.of("other").counted, found.of("other").trials) == ((), ())
    account._due = 0
    account.tell(lambda: ([FEW], []))  # it is shorter
    assert [one.counted for one in running(repo)] == [(FEW,)]
    account.close()
    assert list(repo.layout.servers.iterdir()) == []


def test_a_file_that_is_half_written_or_of_a_newer_mlo_tells_nothing(repo: Repository) -> None:
    account = Account(repo.layout.servers, "http://127.0.0.1:8000")
    account.tell(lambda: ([MANY], []))
    (path,) = repo.layout.servers.iterdir()
    whole = path.read_bytes()
    for data in (b"", whole[:-5], b"0" * 8 + whole[8:], whole.replace(b"1204", b"1205")):
        path.write_bytes(data)
        assert running(repo) == []
    path.write_bytes(whole)
    assert len(running(repo)) == 1
    account.close()


def test_what_a_killed_server_left_goes(repo: Repository) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        from mlops_cli.data.servers import Account, Counted
        account = Account(Path(sys.argv[1]), "http://127.0.0.1:8000")
        account.tell(lambda: ([Counted("churn", 1, "answer", 1, 0)], []))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(repo.layout.servers)]
    assert subprocess.run(command).returncode == -9
    assert len(list(repo.layout.servers.iterdir())) == 1
    assert running(repo) == []
    assert list(repo.layout.servers.iterdir()) == []
