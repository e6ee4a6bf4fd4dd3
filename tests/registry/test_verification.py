"""Whatever is changed, dropped, forged or moved in the record of a model is found."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlops_cli.core import refs
from mlops_cli.core.canonical import decode, encode
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.registry import events, models
from mlops_cli.registry.approvals import approve
from mlops_cli.registry.promote import alias, promote, rollback
from mlops_cli.registry.rebase import rebase
from mlops_cli.registry.register import register
from mlops_cli.registry.verification import verify
from mlops_cli.remotes import fetch
from mlops_cli.remotes.push import push
from tests.registry.conftest import Workshop
from tests.remotes.conftest import remote_of

SETTINGS = (
    "models: {churn: {path: model, data: data/train.csv, target: left, stages: "
    "{staging: {}, production: {approvals: 1}}}}\n"
)
Change = Callable[[dict[str, Any]], object]


@dataclass
class History:
    """A project with a history in two clones, which a remote was seen to have."""

    repo: Repository
    refs: bytes

    def again(self) -> None:
        """Put the refs back as they were; objects that were forged meanwhile harm nobody."""
        self.repo.layout.refs.write_bytes(self.refs)

    def problems(self) -> tuple[str, ...]:
        """Return what is found of somebody who also drops what no chain leads to any more."""
        found = verify(open_repository(self.repo.root)).problems
        return tuple([one for one in found if "but in no chain" not in one])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> History:
    with pytest.MonkeyPatch.context() as patch:
        return _made(tmp_path_factory.mktemp("history"), patch)


def _made(folder: Path, patch: pytest.MonkeyPatch) -> History:
    for name, value in (("AUTHOR", "Ada"), ("COMMITTER", "Ada")):
        patch.setenv(f"GIT_{name}_NAME", value)
        patch.setenv(f"GIT_{name}_EMAIL", "ada@example.org")
    shop = Workshop(create(folder / "project"))
    shop.settings(SETTINGS)
    for auc in (0.8, 0.9):
        register(shop.repo, "churn", run=shop.run({"auc": auc}, strength=auc))
    promote(shop.repo, "churn@v1", "staging", reason="first")
    alias(shop.repo, "churn@v1", "champion")
    promote(shop.repo, "churn@v2", "staging")
    rollback(shop.repo, "churn", "staging", cause={"by": "serve"})
    push(shop.repo, remote_of(shop.repo, folder / "remote"))
    other = Workshop(create(folder / "other"), made=100)
    other.settings(SETTINGS)
    _meet(other.repo, folder / "remote")
    alias(shop.repo, "churn@v2", "other")
    push(shop.repo, remote_of(shop.repo, folder / "remote"))
    patch.setenv("GIT_AUTHOR_NAME", "Bob")
    patch.setenv("GIT_AUTHOR_EMAIL", "bob@example.org")
    other.repo = open_repository(other.repo.root)
    approve(other.repo, "churn@v2", "production", reason="looked")
    assert promote(other.repo, "churn@v2", "production").moved
    _meet(other.repo, folder / "remote")
    push(other.repo, remote_of(other.repo, folder / "remote"))
    assert verify(other.repo).problems == ()
    return History(other.repo, other.repo.layout.refs.read_bytes())


def _meet(repo: Repository, folder: Path) -> None:
    remote = remote_of(repo, folder)
    there = fetch.records(repo, remote).diverged
    fetch.content(repo, remote, None)
    if there:
        rebase(repo, "churn", there["models/churn"])


def _chains(repo: Repository) -> Iterator[tuple[str, list[ObjectId]]]:
    """Yield every chain by its name, with the objects in it, the newest first."""
    for name, head in repo.refs.all().items():
        line, at = [], head
        while at is not None:
            line.append(at)
            at = decode(repo.objects.get(at))["prev"]
        yield name, line


def _rewrite(history: History, name: str, place: int, change: Change) -> None:
    """Change an object in a chain, and make all that come after it name what comes before."""
    repo = history.repo
    line = dict(_chains(repo))[name]
    kind = Kind.EVENT if name.startswith("models/") else Kind.AUDIT
    record = decode(repo.objects.get(line[place]))
    before = copy.deepcopy(record)
    change(record)
    assume(record != before)
    head = repo.objects.put(encode(record), kind)
    for later in reversed(line[:place]):
        record = {**decode(repo.objects.get(later)), "prev": head}
        head = repo.objects.put(encode(record), kind)
    here = repo.refs.all()
    history.repo.layout.refs.write_bytes(refs.encode({**here, name: head}))


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value in a record."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*above, key)
            yield from _paths(value[key], (*above, key))


def _changed(record: dict[str, Any], path: tuple[Any, ...], *, drop: bool, new: Any) -> None:
    inner: Any = record
    for key in path[:-1]:
        inner = inner[key]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new


def _set(**changes: Any) -> Change:
    return lambda record: record.update(changes)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_field_of_any_object_that_is_changed_is_found(
    made: History, data: st.DataObject
) -> None:
    made.again()
    name, line = data.draw(st.sampled_from(list(_chains(made.repo))))
    place = data.draw(st.integers(0, len(line) - 1))
    record = decode(made.repo.objects.get(line[place]))
    path = data.draw(st.sampled_from([one for one in _paths(record) if one[0] != "prev"]))
    drop = data.draw(st.booleans())
    new = data.draw(st.sampled_from(["x", None, 7, "Eve", [], "0" * 64, True]))
    _rewrite(made, name, place, lambda held: _changed(held, path, drop=drop, new=new))
    try:
        assert made.problems()
    finally:
        made.again()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_byte_that_is_changed_is_found(made: History, data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([o for _, line in _chains(made.repo) for o in line]))
    pack, entry = open_repository(made.repo.root).objects.stored(chosen)
    at = entry.offset + data.draw(st.integers(0, entry.stored - 1))
    whole = pack.path.read_bytes()
    flip = data.draw(st.integers(1, 255))
    pack.path.chmod(0o644)
    pack.path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    try:
        assert made.problems()
    finally:
        pack.path.write_bytes(whole)
    assert made.problems() == ()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_an_object_that_is_cut_out_or_put_elsewhere_is_found(
    made: History, data: st.DataObject
) -> None:
    made.again()
    chains = {name: line for name, line in _chains(made.repo) if len(line) > 1}
    name = data.draw(st.sampled_from(sorted(chains)))
    line = chains[name]
    place = data.draw(st.integers(0, len(line) - 2))
    after = data.draw(st.integers(place + 1, len(line) - 1))
    wanted = decode(made.repo.objects.get(line[after]))["prev"]
    _rewrite(made, name, place, _set(prev=wanted))
    try:
        assert made.problems()
    finally:
        made.again()


def test_a_chain_that_is_set_back_is_found(made: History) -> None:
    for name, line in list(_chains(made.repo)):
        for older in line[1:]:
            here = made.repo.refs.all()
            made.repo.layout.refs.write_bytes(refs.encode({**here, name: older}))
            assert any(name in one or "is gone" in one for one in made.problems()), name
            made.again()


def test_a_chain_that_is_dropped_is_found(made: History) -> None:
    for name, _ in list(_chains(made.repo)):
        here = {one: head for one, head in made.repo.refs.all().items() if one != name}
        made.repo.layout.refs.write_bytes(refs.encode(here))
        assert made.problems(), name
        made.again()


def test_chains_that_are_given_each_others_names_are_found(made: History) -> None:
    here = made.repo.refs.all()
    one, other = [name for name in here if name.startswith("audit/")]
    swapped = {**here, one: here[other], other: here[one]}
    made.repo.layout.refs.write_bytes(refs.encode(swapped))
    assert made.problems()
    made.again()


def test_an_event_without_an_entry_is_found(made: History) -> None:
    head = made.repo.refs.get("models/churn")
    assert head is not None
    record = {**decode(made.repo.objects.get(head)), "prev": head, "number": 1}
    forged = made.repo.objects.put(encode(record), Kind.EVENT)
    made.repo.refs.move({"models/churn": (head, forged)})
    try:
        assert any("no entry tells" in one for one in made.problems())
    finally:
        made.again()


def test_an_approval_that_is_moved_to_another_version_is_found(made: History) -> None:
    """Even by somebody who records the event as `mlo` does."""
    model = models.model(made.repo, "churn")
    given_ = next(event for event in model.events if event.kind == "approve")
    events.append(made.repo, "churn", "approve", 1, given_.detail)
    try:
        (problem,) = made.problems()
        assert "the approval of Bob in event" in problem
        assert problem.endswith("does not hold: it was made for another version")
    finally:
        made.again()


def test_a_move_from_where_the_stage_was_not_is_found(made: History) -> None:
    detail = {"stage": "staging", "previous": 2, "reason": None, "gates": []}
    events.append(made.repo, "churn", "promote", 2, detail)
    try:
        (problem,) = made.problems()
        assert problem.endswith("moves staging from where it was not")
    finally:
        made.again()
