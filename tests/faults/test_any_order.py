"""Whatever is done in whatever order, a version that has a name can be had, byte for byte."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mlops_cli.core import tree
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.data import pointer
from mlops_cli.data.add import add
from mlops_cli.data.begin import begin
from mlops_cli.data.checkout import checkout
from mlops_cli.data.fsck import check
from mlops_cli.data.gc import collect
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from mlops_cli.remotes.remote import connect
from tests.conftest import git

Version = dict[str, bytes]
"""The files of a versioned path; a single file has the name of nothing."""

PATHS = st.sampled_from(["file", "folder"])


ROWS = [b"%d,%d\n" % (number, number * number) for number in range(15_000)]
CONTENTS = [b"", b"small", b"ten" * 10, b"".join(ROWS)]
CONTENTS += [b"".join(ROWS[:at] + [b"edited\n"] + ROWS[at + 1 :]) for at in (4_000, 9_000)]
"""Empty, small, cut into chunks, and edits of that."""


class AnyOrder(RuleBasedStateMachine):
    """A project and a model of it: what its files, pointers and commits hold."""

    @initialize()
    def start(self) -> None:
        self.top = Path(tempfile.mkdtemp())
        self.root = self.top / "project"
        begin(self.root)
        (self.root / ".mlops.yaml").write_text(f"remotes:\n  origin: {self.top / 'remote'}\n")
        self.work: dict[str, Version] = {}
        self.pointers: dict[str, Version] = {}
        self.commits: list[dict[str, Version]] = []
        self.pushed = False
        self.commit()

    def repo(self) -> Repository:
        return open_repository(self.root)

    @rule(path=PATHS, name=st.sampled_from(["one", "two"]), data=st.sampled_from(range(6)))
    def edit(self, path: str, name: str, data: int) -> None:
        inner = "" if path == "file" else name
        target = self.root / path / inner
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(CONTENTS[data])
        self.work.setdefault(path, {})[inner] = CONTENTS[data]
        if path not in self.pointers:
            self.add(path)

    @rule(path=PATHS)
    def add(self, path: str) -> None:
        if path in self.work:
            add(self.repo(), [self.root / path])
            self.pointers[path] = dict(self.work[path])
            self.pushed = False

    @rule()
    def commit(self) -> None:
        self.stage()
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", "Commit")
        self.commits.append({path: dict(one) for path, one in self.pointers.items()})

    @rule(which=st.integers(0, 20))
    def go_back(self, which: int) -> None:
        """Let git bring back the pointers of an earlier commit, and mlo the bytes."""
        number = which % len(self.commits)
        back = len(self.commits) - 1 - number
        self.stage()
        git(self.root, "reset", "--quiet", "--hard", f"HEAD~{back}")
        self.commits = self.commits[: number + 1]
        self.pointers = {path: dict(one) for path, one in self.commits[number].items()}
        for path in self.work.keys() - self.pointers.keys():
            target = self.root / path
            shutil.rmtree(target) if target.is_dir() else target.unlink()
            del self.work[path]
        self.checkout()

    def stage(self) -> None:
        mine = [".mlops.yaml", *(f"{path}.mlo" for path in self.pointers)]
        mine += [".gitignore"] if (self.root / ".gitignore").exists() else []
        git(self.root, "add", *mine)

    @rule()
    def checkout(self) -> None:
        checkout(self.repo(), force=True)
        for path, version in self.pointers.items():
            self.work[path] = dict(version)
            for name, data in version.items():
                assert (self.root / path / name).read_bytes() == data

    @rule()
    def push(self) -> None:
        push(self.repo(), connect(self.repo(), "origin"))
        self.pushed = True

    @precondition(lambda self: self.pushed)
    @rule()
    def lose_the_store_and_fetch(self) -> None:
        shutil.rmtree(self.root / ".mlo")
        repo = self.repo()
        remote = connect(repo, "origin")
        fetch.records(repo, remote)
        fetch.content(repo, remote, None)

    @rule()
    def gc(self) -> None:
        collect(self.repo(), removed=tuple, grace_s=0)
        self.pushed = False  # what only reflogs name may be here again after the next push

    @rule(which=st.integers(0, 20))
    def read_an_old_version(self, which: int) -> None:
        number = which % len(self.commits)
        rev = f"HEAD~{len(self.commits) - 1 - number}"
        found = pointer.each_at(self.repo(), rev)
        assert {one.path: self.read(one.oid, one.kind) for one in found} == self.commits[number]

    def read(self, oid: ObjectId, kind: str) -> Version:
        objects = self.repo().objects
        if kind == "file":
            return {"": objects.get(oid)}
        return {name: objects.get(entry.oid) for name, entry in tree.walk(objects, oid)}

    @invariant()
    def what_pointers_name_can_be_had(self) -> None:
        if hasattr(self, "root"):
            found = {one.path: self.read(one.oid, one.kind) for one in pointer.each(self.repo())}
            assert found == self.pointers

    def teardown(self) -> None:
        if hasattr(self, "root"):
            assert check(self.repo()).problems == ()
            for number in range(len(self.commits)):
                self.read_an_old_version(number)
            shutil.rmtree(self.top)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)
