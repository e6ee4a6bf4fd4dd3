"""What the record of a run holds, and what earlier records still say."""

import os
import subprocess
import sys

import pytest

from mlops_cli.core import canonical
from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs.begin import begin
from mlops_cli.runs.finish import finish
from mlops_cli.runs.record import Run, decode, encode


def test_parent_tags_note_and_engine_are_kept(repo: Repository) -> None:
    opened = begin(
        repo, "train", params={}, environ=os.environ, parent="0123456789ab",
        tags=("baseline", "team=risk", "baseline"), note="first try é", engine="loky",
    )  # fmt: skip
    run = Run.read(repo, finish(repo, opened, status="done", exit_code=0).id)
    assert run.tags == ("baseline", "team=risk")
    assert (run.parent, run.note, run.engine) == ("0123456789ab", "first try é", "loky")


def test_the_folder_that_a_command_was_started_in_is_kept(repo: Repository) -> None:
    inner = repo.root / "deep" / "er"
    for folder, kept in ((inner, "deep/er"), (repo.root, ""), (repo.root.parent, "")):
        opened = begin(repo, "train", params={}, environ=os.environ, folder=folder)
        run = Run.read(repo, finish(repo, opened, status="done", exit_code=0).id)
        assert run.folder == kept


def test_a_run_begun_in_the_environment_of_another_is_part_of_it(repo: Repository) -> None:
    outer = begin(repo, "sweep", params={}, environ=os.environ)
    environ = {**os.environ, **outer.variables(repo.root)}
    inner = begin(repo, "train", params={}, environ=environ)
    assert inner.head.parent == outer.head.key
    assert outer.head.parent is None
    elsewhere = {**environ, "MLO_ROOT": str(repo.root.parent)}
    assert begin(repo, "train", params={}, environ=elsewhere).head.parent is None


def test_a_run_inside_a_step_does_not_log_as_that_step(repo: Repository) -> None:
    outer = begin(repo, "mlo run", params={}, environ=os.environ)
    environ = {**os.environ, **outer.variables(repo.root, "train")}
    inner = begin(repo, "evaluate", params={}, environ=environ)
    environ |= inner.variables(repo.root)
    log = "import mlops_cli.api as mlo; mlo.log_metric('auc', 0.5)"
    subprocess.run([sys.executable, "-c", log], cwd=repo.root, env=environ, check=True)
    assert inner.head.parent == outer.head.key
    assert inner.logged().last == {"": {"auc": 0.5}}
    assert outer.logged().last == {}


@pytest.mark.parametrize("tag", ["", "two words", "a,b", "-x", "x" * 101, "a\nb"])
def test_what_cannot_be_a_tag_is_refused(repo: Repository, tag: str) -> None:
    with pytest.raises(RequestError, match="cannot be a tag"):
        begin(repo, "train", params={}, environ=os.environ, tags=(tag,))
    assert not list(repo.layout.open_runs.iterdir())


def test_secrets_in_tags_and_notes_are_masked(repo: Repository) -> None:
    token = "ghp_" + "a1" * 18
    head = begin(
        repo, "train", params={}, environ=os.environ, tags=(f"key={token}",), note=f"with {token}"
    ).head
    assert (head.tags, head.note) == (("key=***",), "with ***")


def test_a_record_from_before_snapshots_is_read(made) -> None:
    run, data = encode(made(params={"a": 1}))
    held = canonical.decode(data)
    for name in ("parent", "tags", "note", "engine"):
        del held[name]
    held["code"] = {"commit": None, "branch": None, "dirty": True, "patch": None, "untracked": []}
    old = decode(canonical.encode(held))
    assert (old.key, old.params, old.code.snapshot, old.tags) == (run.key, run.params, None, ())
