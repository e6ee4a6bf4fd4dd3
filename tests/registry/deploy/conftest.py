"""Versions of a model as deployments see them; nothing of them is loaded."""

from dataclasses import replace

import pytest

from mlops_cli.core.ids import ObjectId
from mlops_cli.registry.models import Version
from mlops_cli.registry.signature import Column, Signature


@pytest.fixture
def version() -> Version:
    return Version(
        model="Churn_model",
        number=3,
        id=ObjectId("3" * 64),
        time="2026-01-31T12:00:00.000000Z",
        who={"name": "Ada"},
        artifact=ObjectId("a" * 64),
        kind="folder",
        path="model",
        size=50 << 20,
        format="skops",
        trusted=False,
        run=None,
        inputs=(),
        data=None,
        target=None,
        commit=None,
        environment=None,
        task="classification",
        signature=Signature((Column("age", "number"),)),
    )


@pytest.fixture
def newer(version: Version) -> Version:
    return replace(version, number=4, id=ObjectId("4" * 64))
