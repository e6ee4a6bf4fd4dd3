"""A chain may come from anyone, so nothing in it is believed before it is looked at."""

from collections.abc import Callable
from typing import Any

import pytest

from mlops_cli.core import canonical
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import IntegrityError, MloError, StateError
from mlops_cli.registry import events, models, promote
from mlops_cli.registry.behind import behind
from mlops_cli.registry.register import register
from tests.registry.conftest import Workshop

Change = Callable[[dict[str, Any]], object]


def forge(workshop: Workshop, change: Change) -> None:
    """Replace the newest event of churn by one that `change` was let at."""
    old = workshop.repo.refs.get("models/churn")
    assert old is not None
    record = canonical.decode(workshop.repo.objects.get(old))
    change(record)
    new = workshop.repo.objects.put(canonical.encode(record), Kind.EVENT)
    workshop.repo.refs.move({"models/churn": (old, new)})


@pytest.fixture
def registered(workshop: Workshop) -> Workshop:
    register(workshop.repo, "churn", run=workshop.run({"auc": 0.9}))
    return workshop


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(kind="destroy"),
        lambda record: record.update(kind="promote", detail={}),
        lambda record: record.update(kind="alias", detail={"alias": 3}),
        lambda record: record.update(prev=3),
        lambda record: record.update(prev="../refs"),
        lambda record: record.update(detail=None),
        lambda record: record.pop("number"),
        lambda record: record["detail"].pop("artifact"),
        lambda record: record["detail"].update(artifact="../../refs"),
        lambda record: record["detail"].update(run=7),
        lambda record: record["detail"].update(inputs=[3]),
        lambda record: record["detail"].update(path="../../.bashrc"),
        lambda record: record["detail"].update(path="model/.."),
        lambda record: record["detail"].update(path=""),
        lambda record: record["detail"].update(path=None),
        lambda record: record["detail"].update(metrics=3),
        lambda record: record["detail"].update(signature={"columns": [{}]}),
    ],
)
def test_an_event_that_is_none_is_an_integrity_error(registered: Workshop, change: Change) -> None:
    forge(registered, change)
    with pytest.raises(IntegrityError):
        models.model(registered.repo, "churn")


def test_an_event_of_a_newer_mlo_says_so(registered: Workshop) -> None:
    forge(registered, lambda record: record.update(v=2))
    with pytest.raises(StateError, match="unknown here"):
        models.model(registered.repo, "churn")


def test_a_move_to_a_version_that_is_not_there_names_it(registered: Workshop) -> None:
    event = {"stage": "staging", "previous": None, "reason": None}
    events.append(registered.repo, "churn", "promote", 9, event)
    with pytest.raises(MloError, match="v9, which it lacks"):
        models.resolve(registered.repo, "churn@staging")
    assert behind(registered.repo)[0].stages == {"staging": 9}


def test_of_a_chain_that_grew_only_what_is_new_is_read(
    registered: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = registered.repo
    for number in range(6):
        promote.alias(repo, "churn@v1", f"a{number}")
    models.model(repo, "churn")
    promote.alias(open_repository(repo.root), "churn@v1", "newest")
    read: list[str] = []
    decode = events.decode

    def counting(oid: ObjectId, data: bytes) -> events.Event:
        read.append(oid)
        return decode(oid, data)

    monkeypatch.setattr(events, "decode", counting)
    found = models.model(repo, "churn")
    assert read == [events.head(repo, "churn")]
    assert found.aliases["newest"] == 1
    assert found == models.model(open_repository(repo.root), "churn")


def test_a_chain_that_was_replaced_is_read_anew(registered: Workshop) -> None:
    repo = registered.repo
    promote.alias(repo, "churn@v1", "mine")
    mine = events.head(repo, "churn")
    first = models.model(repo, "churn").events[0].oid
    repo.refs.move({"models/churn": (mine, first)})
    promote.alias(repo, "churn@v1", "theirs")
    assert models.model(repo, "churn").aliases == {"theirs": 1}


def test_an_event_and_its_audit_entry_share_a_pack(registered: Workshop) -> None:
    before = set(registered.repo.layout.packs.iterdir())
    promote.alias(registered.repo, "churn@v1", "champion")
    assert len(set(registered.repo.layout.packs.iterdir()) - before) == 1
