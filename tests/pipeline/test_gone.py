"""What is left of steps that are gone from the settings."""

from mlops_cli.core import lockfile
from mlops_cli.core.repository import Repository
from tests.pipeline.conftest import Recorder, Run

SETTINGS = """\
steps:
  each:
    foreach: [{items}]
    cmd: echo ${{item}} > out-${{item}}
    outs: ["out-${{item}}"]
"""


def write(repo: Repository, items: str) -> None:
    (repo.root / ".mlops.yaml").write_text(SETTINGS.format(items=items))


def warned(run: Run) -> list[str]:
    watcher = Recorder()
    run(watcher=watcher)
    return watcher.warned


def test_what_a_step_made_that_is_gone_is_told_once_and_left(repo: Repository, run: Run) -> None:
    write(repo, "a, b, c")
    assert warned(run) == []
    write(repo, "a, b")
    assert warned(run) == [
        "step 'each@c' is gone from .mlops.yaml; what it made is still here: out-c"
    ]
    assert lockfile.read(repo.layout.lockfile).keys() == {"each@a", "each@b"}
    assert warned(run) == []
    assert (repo.root / "out-c").exists()


def test_what_another_step_makes_now_is_not_told(repo: Repository, run: Run) -> None:
    write(repo, "a")
    run()
    (repo.root / ".mlops.yaml").write_text(
        "steps:\n  one:\n    cmd: echo 1 > out-a\n    outs: [out-a]\n"
    )
    assert warned(run) == []


def test_many_are_counted(repo: Repository, run: Run) -> None:
    write(repo, ", ".join(map(str, range(8))))
    run()
    write(repo, "0")
    told = warned(run)
    assert len(told) == 6
    assert told[-1] == "so are 2 more steps"
