"""Conditions mean the same in SQL as in Python, and what they name must be there."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_cli.core.expression import parse
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import RequestError
from mlops_cli.runs.listing import Wanted, listing, looked_up
from tests.runs.recorded import record

VALUES = [
    0, 1, -1, 0.5, 10, 3.0, "0.5", "10", "tree", "Tree", "true", "", "größe", True, False, None,
    [1, 2], "nan", "a'b\"c\\",
]  # fmt: skip
NAMES = ["params.x", 'params.odd "name"\\', "params.größe", "metrics.auc", "metrics.val/loss"]
METRICS = [0.5, 0, -1, 10, "nan", "inf", "-inf", 3]
LITERALS = [
    "0", "1", "-1", "0.5", "10", "nan", "inf", "-inf", "'tree'", "'0.5'", "'10'", "true", "false",
    "null", "''", "'nan'", "'größe'", str(2**70),
]  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    from mlops_cli.data.begin import begin

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        root = tmp_path_factory.mktemp("many")
        begin(root)
    repo = open_repository(root)
    runs = []
    for number, value in enumerate(VALUES):
        metrics = {"auc": METRICS[number % len(METRICS)]}
        if number % 3:
            metrics["val/loss"] = METRICS[number * 3 % len(METRICS)]
        params = {"x": value, "größe": VALUES[-number]}
        if number % 2:
            params['odd "name"\\'] = value
        runs.append({"params": params, "metrics": metrics, "tags": (f"t={number}", "odd=ä")})
    record(repo, [*runs, {}])
    return repo


def sides() -> st.SearchStrategy[str]:
    quoted = [f"`{name}`" for name in NAMES]
    return st.sampled_from([*quoted, *quoted, *LITERALS, "`tags.t`", "seconds", "status", "parent"])


def single() -> st.SearchStrategy[str]:
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds("{} {} {}".format, sides(), signs, sides()),
        st.builds("{} ~ '{}'".format, sides(), st.sampled_from(["^t", "e", "^1", "[0-9]"])),
        st.builds("{} like '{}'".format, sides(), st.sampled_from(["t%", "_rue", "%"])),
        st.builds("{} in ({}, {})".format, sides(), *[st.sampled_from(LITERALS)] * 2),
        sides(),
    )


CONDITIONS = st.recursive(
    single(),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CONDITIONS)
def test_sqlite_and_python_agree(many: Repository, text: str) -> None:
    condition = parse(text, where="--filter")
    everything = listing(many).runs
    wanted = [line.key for line in everything if condition.holds(looked_up(line))]
    found = listing(many, Wanted(filter=condition))
    assert [line.key for line in found.runs] == wanted
    assert found.total == len(wanted)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("auk > 1", "no run has 'auk'", "did you mean 'auc'?"),
        ("status == done", "no run has 'done'; a text needs quotes", "'done'"),
        ("params.y > 1", "no run has 'params.y'", None),
        ("metrics.zzz > 1", "no run has 'metrics.zzz'", None),
    ],
)
def test_what_no_run_has_is_pointed_at(
    many: Repository, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(RequestError) as caught:
        listing(many, Wanted(filter=parse(text, where="--filter")))
    first, _, caret = caught.value.message.split("\n")
    assert first.startswith(f"--filter: {message}")
    assert caret.strip() == "^"
    assert hint is None or caught.value.hint == hint


def test_a_bare_name_is_a_column_then_a_metric_then_a_parameter(project: Path) -> None:
    repo = open_repository(project)
    record(
        repo,
        [
            {"params": {"auc": 9, "depth": 3, "status": "x"}, "metrics": {"auc": 0.9}},
            {"params": {"auc": 0.1}, "metrics": {"auc": 0.1}},
        ],
    )

    def names(text: str) -> list[str]:
        found = listing(repo, Wanted(filter=parse(text, where="--filter")))
        return [line.name for line in found.runs]

    assert names("auc < 1") == ["run-1", "run-0"]
    assert names("params.auc > 1") == ["run-0"]
    assert names("depth == 3") == ["run-0"]
    assert names("status == 'x'") == []
    assert names("params.status == 'x'") == ["run-0"]
    assert names("tags.any") == []
    assert names("started >= '2026-01-01T01'") == ["run-1"]
