"""Requests against a schema: refused or only counted, and free where nobody asks for it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from mlops_cli.core.repository import Repository, create, open_repository
from mlops_cli.data.validation.read import read
from mlops_cli.data.validation.requests import RequestCheck
from mlops_cli.errors import RequestError
from mlops_cli.registry.models import Input, Version
from mlops_cli.serving import rules
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.rules import Ruled
from mlops_cli.serving.server import Server
from mlops_cli.serving.slot import Found
from tests.serving.conftest import ROW, Shelf, classifier

SAID = b"""\
columns:
  size: {type: number, min: 0, below: 100, nullable: false}
  count: {type: integer, values: [1, 2, 3, 4]}
  soil: {pattern: '[a-z]+', length: {max: 6}, severity: warn}
  absent: {min: 0}
  whole: {unique: true, mostly: 50%}
rules:
  - {rule: size >= count or soil == 'loam', name: bigger}
  - absent > size
"""
NAMES = ("size", "count", "soil")


def broken(*rows: tuple[object, object, object]) -> list[tuple[int, str, str]]:
    check = RequestCheck(read(SAID, where="s.yaml"), NAMES)
    found = check.broken(list(zip(*rows, strict=True)), len(rows))
    return [(one.row, one.field, one.check) for one in found]


def test_single_rows_are_held_against_what_is_about_them() -> None:
    assert broken((1.5, 1, "clay"), (99, 4, None), (4, None, "loam")) == []
    assert broken((1, 1, "clay"), (-1, 7, "Clay"), (None, 2, "sandstone"), (100, 1.5, "x")) == [
        (2, "size", "missing"),
        (1, "size", "min"),
        (3, "size", "below"),
        (3, "count", "type"),
        (1, "count", "values"),
        (3, "count", "values"),
        (1, "soil", "pattern"),
        (2, "soil", "length"),
        (1, "size", "rule"),
    ]
    assert broken(("text", 1, "loam")) == [(0, "size", "min"), (0, "size", "below")]


def test_moments_of_requests_are_compared_as_moments() -> None:
    said = b"columns: {a: {type: datetime, min: 2026-01-01}, b: datetime}\nrules: [a <= b]\n"
    check = RequestCheck(read(said, where="s.yaml"), ("a", "b"))
    day = ["2026-01-01T00:00:00Z", "2025-12-31", "2026-03-01"]
    found = check.broken([day, ["2026-01-01", "2026-01-01", "2026-02-01"]], 3)
    assert [(one.row, one.check) for one in found] == [(1, "min"), (2, "rule")]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server that refuses what the schema does not allow."""
    root = tmp_path_factory.mktemp("ruled")
    shelf = Shelf(create(root), root / "shelf")
    shelf.point(shelf.put(classifier()))

    def find() -> Found:
        found = shelf.find()

        def load() -> object:
            live = found.load()
            check = RequestCheck(read(SAID, where="s.yaml"), live.signature.names)
            ruled = Ruled(live.signature, check, max_rows=100, refuse=True)
            return replace(live, validator=ruled)

        return replace(found, load=load)

    server = Server(shelf.repo, [find], port=0, say=lambda _: None)
    is_ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda _: is_ready.set(),))
    thread.start()
    assert is_ready.wait(30)
    with httpx.Client(base_url=server.ready[0].url, timeout=30) as one:
        yield one
    server.stop()
    thread.join(30)


def test_a_request_that_fails_is_refused_and_counted(client: httpx.Client) -> None:
    assert client.post("/predict", json={"rows": [ROW]}).status_code == 200
    said = client.post("/predict", json={"rows": [ROW, {**ROW, "size": -1.0}]})
    assert said.status_code == 422
    assert said.json()["problems"] == [{"row": 1, "field": "size", "problem": "is below 0"}]
    columns = {"size": [500.0], "count": [4], "soil": ["loam"]}
    assert client.post("/predict", json={"columns": columns}).status_code == 422
    page = client.get("/metrics").text
    of = 'model="plant",version="1",role="answer"'
    assert f'mlo_validation_failures_total{{{of},field="size",check="min"}} 1' in page
    assert f'mlo_validation_failures_total{{{of},field="size",check="below"}} 1' in page


def version(data: str | None = "data/train.csv") -> Version:
    from types import SimpleNamespace
    from typing import Any, cast

    from mlops_cli.core.ids import ObjectId

    held = None if data is None else Input(data, ObjectId("0" * 64), "file")
    return cast(Any, SimpleNamespace(model="plant", data=held))


def asked(root: Path, text: str) -> Repository:
    (root / ".mlops.yaml").write_text(text)
    return open_repository(root)


def test_the_settings_say_which_schema_and_what_becomes_of_a_failure(tmp_path: Path) -> None:
    from mlops_cli.registry.signature import Column, Signature

    create(tmp_path)
    (tmp_path / "s.yaml").write_bytes(SAID)
    (tmp_path / "t.yaml").write_text("rows: {min: 1}\n")
    signature = Signature((Column("size", "number"), Column("count", "integer")))

    def made(text: str) -> Ruled | None:
        found = rules.validator(asked(tmp_path, text), version(), signature, max_rows=9)
        assert found is None or isinstance(found, Ruled)
        return found

    assert made("serving: {port: 1}\n") is None
    assert made("serving: {validate: {on_fail: ignore}}\n") is None
    refusing = made("serving: {validate: {schema: s.yaml}}\n")
    noting = made("serving: {validate: {schema: s.yaml, on_fail: note}}\n")
    assert refusing is not None
    assert noting is not None
    with pytest.raises(Refused, match="row 0, field 'size' is below 0"):
        refusing.rows([{"size": -1.0, "count": 1}])
    assert noting.rows([{"size": -1.0, "count": 1}]).rows == 1
    assert noting.drain() == [(("size", "min"), 1)]
    assert noting.drain() == []
    declared = "data: {data/train.csv: {schema: s.yaml}}\nserving: {validate: {schema: model}}\n"
    assert made(declared) is not None
    with pytest.raises(RequestError, match="no schema is declared for 'data/train"):
        made("serving: {validate: {schema: model}}\n")
    with pytest.raises(RequestError, match="is about single rows of what plant takes"):
        made("serving: {validate: {schema: t.yaml}}\n")


def test_a_server_follows_a_version_with_the_schema_of_its_training_data(tmp_path: Path) -> None:
    from mlops_cli.registry.register import register
    from mlops_cli.serving.follow import follow
    from tests.registry.conftest import Workshop

    shop = Workshop(create(tmp_path / "project"))
    shop.settings(
        "models: {churn: {path: model, data: data/train.csv, target: left}}\n"
        "data: {data/train.csv: {schema: s.yaml}}\n"
        "serving: {validate: {schema: model}}\n"
    )
    (shop.repo.root / "s.yaml").write_text("rules: [age > income]\n")
    register(shop.repo, "churn", run=shop.run({}))
    live = follow(shop.repo, "churn", max_rows=9, say=lambda _: None)().load()
    assert isinstance(live.validator, Ruled)
    with pytest.raises(Refused, match="does not meet 'age > income'"):
        live.validator.rows([{"age": 1, "income": 2.0}])
