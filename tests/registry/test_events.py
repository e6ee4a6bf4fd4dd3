"""A chain may come from anyone, so nothing in it is believed before it is looked at."""

from collections.abc import Callable
from typing import Any

import pytest

from mlops_cli.core import canonical
from mlops_cli.core.objects import Kind
from mlops_cli.errors import IntegrityError, MloError, StateError
from mlops_cli.registry import events, models
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
