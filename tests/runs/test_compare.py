"""A comparison shows what differs, and only that."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlops_cli.core.canonical import encode
from mlops_cli.core.ids import ObjectId, object_id
from mlops_cli.core.repository import Repository, create
from mlops_cli.errors import RequestError
from mlops_cli.runs.compare import Row, compare
from mlops_cli.runs.record import Artifact, Code, Run


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return create(tmp_path)


def environment(repo: Repository, numpy: str) -> ObjectId:
    return repo.objects.put(encode({"v": 1, "cpus": 2, "packages": {"numpy": numpy}}))


@pytest.fixture
def run(repo: Repository) -> Run:
    return Run(
        id=ObjectId("1" * 64),
        key="00000000002a",
        name="agile-kestrel",
        command="mlo run",
        started="2026-01-31T12:00:00.000000Z",
        ended="2026-01-31T12:00:01.000000Z",
        seconds=1.0,
        status="done",
        exit_code=0,
        who={"name": "Ada", "email": "ada@example.org"},
        host="here",
        code=Code(commit="c" * 40),
        params={"depth": 3, "seed": 7},
        environment=environment(repo, "2.4"),
        inputs=(Artifact("data/raw.csv", object_id(b"one"), "file"),),
        metrics={"auc": 0.9, "loss": "nan"},
    )


def test_equal_runs_show_nothing(repo: Repository, run: Run) -> None:
    found = compare(repo, [run, replace(run, id=ObjectId("2" * 64))])
    assert found.same
    assert (found.params, found.metrics, found.data, found.code, found.environment) == ((),) * 5


def test_each_kind_of_difference_is_shown_with_both_values(repo: Repository, run: Run) -> None:
    other = replace(
        run,
        params={"depth": 8, "seed": 7, "trees": 10},
        metrics={"auc": 0.95, "loss": "nan"},
        inputs=(Artifact("data/raw.csv", object_id(b"two"), "file"),),
        code=Code(commit="d" * 40, dirty=True, untracked=("new.py",)),
        environment=environment(repo, "2.5"),
    )
    found = compare(repo, [run, other])
    assert found.params == (Row("depth", (3, 8)), Row("trees", (None, 10)))
    assert found.metrics == (Row("auc", (0.9, 0.95)),)
    assert found.metrics[0].change == pytest.approx(0.05)
    one, two = object_id(b"one")[:10], object_id(b"two")[:10]
    assert found.data == (Row("data/raw.csv", (one, two)),)
    assert [row.name for row in found.code] == ["commit", "untracked files"]
    assert found.environment == (Row("packages.numpy", ("2.4", "2.5")),)


def test_everything_shows_what_is_common_too(repo: Repository, run: Run) -> None:
    found = compare(repo, [run, run, run], everything=True)
    assert Row("seed", (7, 7, 7)) in found.params
    assert found.same


def test_numbers_without_a_json_form_have_no_change() -> None:
    assert Row("loss", ("nan", 0.5)).change is None
    assert Row("loss", (None, 0.5)).change is None


def test_one_run_cannot_be_compared(repo: Repository, run: Run) -> None:
    with pytest.raises(RequestError, match="two"):
        compare(repo, [run])
