"""Lists of runs: order, children, what was said of them later, and where it goes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.errors import IntegrityError, RequestError, StateError
from mlops_cli.runs import said
from mlops_cli.runs.begin import begin
from mlops_cli.runs.compare import compare
from mlops_cli.runs.find import direction, meaning, resolve
from mlops_cli.runs.index import open_index, removed_keys
from mlops_cli.runs.listing import Line, Wanted, lines_of, listing
from mlops_cli.runs.remove import chosen, put_back, remove
from mlops_cli.runs.standing import standing
from tests.conftest import Mlo
from tests.runs.recorded import record


def names(repo: Repository, *sort: str, **wanted: object) -> list[str]:
    return [line.name for line in listing(repo, Wanted(**wanted), sort=sort).runs]  # type: ignore[arg-type]


def line(repo: Repository, name: str) -> Line:
    return next(one for one in listing(repo).runs if one.name == name)


def test_what_is_no_number_comes_after_all_numbers_and_nothing_last(repo: Repository) -> None:
    values = [0.5, "nan", 2, "inf", None, "-inf", -1]
    record(repo, [{"metrics": {} if one is None else {"auc": one, "b": 1}} for one in values])
    best = ["run-2", "run-0", "run-6"]
    assert names(repo, "auc")[:3] == best
    assert names(repo, "-auc")[:3] == best[::-1]
    for order in (("auc",), ("-auc",), ("b", "auc"), ("b", "-auc")):
        found = names(repo, *order)
        assert set(found[3:6]) == {"run-1", "run-3", "run-5"}
        assert found[6] == "run-4"
    assert names(repo, "b,-auc")[:3] == best[::-1]


def test_later_orders_decide_between_equals(repo: Repository) -> None:
    rows = [(1, "b"), (2, "a"), (1, "a"), (2, "b")]
    record(repo, [{"params": {"x": x, "kind": kind}} for x, kind in rows])
    assert names(repo, "x", "-kind") == ["run-1", "run-3", "run-2", "run-0"]
    assert names(repo, "-params.x", "kind") == ["run-0", "run-2", "run-3", "run-1"]
    assert listing(repo, sort=("x",), limit=2).total == 4


def test_children_are_hidden_below_or_beside(repo: Repository) -> None:
    above, child = f"{1:012x}", f"{2:012x}"
    record(repo, [{}, {"parent": above}, {"parent": child}, {}, {"parent": "f" * 12}])
    assert names(repo, children="hidden") == ["run-4", "run-3", "run-0"]
    below = listing(repo, Wanted(children="below"))
    assert [(one.name, one.depth) for one in below.runs][2:] == [
        ("run-0", 0),
        ("run-1", 1),
        ("run-2", 2),
    ]
    assert below.total == 3
    assert line(repo, "run-0").children == 1
    assert len(names(repo)) == 5


def test_last_and_best_are_no_parts_and_no_copies_unless_by_name(repo: Repository) -> None:
    copy = {"tags": (f"reproduces:{1:012x}",), "metrics": {"auc": 0.9}}
    trial = {"parent": f"{2:012x}", "metrics": {"auc": 0.8}}
    record(repo, [{"metrics": {"auc": 0.7}}, {}, trial, trial, copy])
    assert resolve(repo, "last").name == "run-1"
    assert resolve(repo, "best:auc").name in ("run-2", "run-3")
    assert resolve(repo, "run-4").name == "run-4"
    assert compare(repo, []).names == ("run-0", "run-1")
    assert compare(repo, ["run-3"]).names == ("run-2", "run-3")


def test_of_parts_alone_the_newest_is_last(repo: Repository) -> None:
    record(repo, [{"parent": "f" * 12}, {"parent": "f" * 12}])
    assert resolve(repo, "last").name == "run-1"


def test_a_run_that_is_its_own_parent_ends(repo: Repository) -> None:
    record(repo, [{"parent": f"{1:012x}"}, {}])
    assert names(repo, children="below") == ["run-1"]


def test_tags_and_notes_given_later_count(repo: Repository) -> None:
    one, other = record(repo, [{"tags": ("team=a", "old"), "note": "first"}, {}])
    said.tag(repo, [one, other], {"team": "b", "best": ""})
    said.tag(repo, [one], {"old": None})
    said.note(repo, one, "  second ")
    assert line(repo, "run-0").tags == {"team": "b", "best": ""}
    assert line(repo, "run-0").note == "second"
    assert line(repo, "run-1").tags == {"team": "b", "best": ""}
    assert names(repo, tags=["team=b", "best"]) == ["run-1", "run-0"]
    assert names(repo, tags=["team=a"]) == []
    before = listing(repo)
    repo.layout.database.unlink()
    assert listing(repo) == before
    said.note(repo, one, "")
    assert standing(repo, one).note is None


@pytest.mark.parametrize("bad", ["", "a b", "x" * 500, "a\nb"])
def test_what_is_no_tag_is_refused(repo: Repository, bad: str) -> None:
    (run,) = record(repo, [{}])
    with pytest.raises(RequestError, match="tag"):
        said.tag(repo, [run], {bad: ""})


def test_secrets_in_tags_and_notes_are_masked(repo: Repository) -> None:
    (run,) = record(repo, [{}])
    said.note(repo, run, "from postgres://ada:hunter2@host")
    assert "hunter2" not in str(line(repo, "run-0").note)


def test_removed_runs_can_be_put_back(repo: Repository) -> None:
    one, other = record(repo, [{"name": "first"}, {}])
    remove(repo, [one, other])
    assert names(repo) == []
    assert names(repo, removed=True) == ["run-1", "first"]
    assert removed_keys(repo) == {one.key, other.key}
    assert put_back(repo, ["first"]) == (one,)
    assert names(repo) == ["first"]
    with pytest.raises(RequestError, match="no run 'first' was removed"):
        put_back(repo, ["first"])


def test_a_removed_run_that_gc_dropped_is_told_so(repo: Repository, mlo_here: Mlo) -> None:
    (one,) = record(repo, [{}])
    remove(repo, [one])
    mlo_here("gc", "--older-than", "0d", cwd=repo.root)
    again = open_repository(repo.root)
    with pytest.raises(StateError, match=f"record of run {one.key} is gone: mlo gc dropped it"):
        put_back(again, [one.key])


def test_a_run_that_must_be_kept_is_not_removed(repo: Repository) -> None:
    one, other = record(repo, [{}, {}])
    with pytest.raises(StateError, match="registered from 'run-1'"):
        remove(repo, [one, other], kept={other.id})
    assert len(names(repo)) == 2


def test_very_many_are_removed_by_few_entries(repo: Repository) -> None:
    runs = record(repo, ({} for _ in range(700)))
    remove(repo, runs)
    assert names(repo) == []


def test_runs_since_a_moment(repo: Repository) -> None:
    record(repo, [{}, {}, {}])
    assert names(repo, since="2026-01-01T01:00:00.000000Z") == ["run-2", "run-1"]


def test_a_running_run_is_listed_with_what_it_logged_of_late(repo: Repository) -> None:
    record(repo, [{"metrics": {"auc": 0.5}}])
    run = begin(repo, "train", params={"x": 1}, environ=os.environ, tags=("t",))
    with open(run.journal.path, "a") as file:
        for number in range(5000):
            file.write(f'{{"metrics":{{"auc":{number}}}}}\n')
    first = listing(repo).runs[0]
    assert (first.status, first.metrics, first.id) == ("running", {"auc": 4999}, None)
    assert names(repo, tags=["t"]) == [run.head.name]
    for text in (run.head.key, run.head.key[:6], run.head.name):
        with pytest.raises(RequestError, match="has not ended yet"):
            resolve(repo, text)
    run.release()


def test_several_processes_make_the_index_at_once(repo: Repository) -> None:
    runs = record(repo, ({"metrics": {"auc": at}} for at in range(300)))
    said.tag(repo, runs[:1], {"first": ""})
    program = (
        "from pathlib import Path; from mlops_cli.core.repository import open_repository as o;"
        "from mlops_cli.runs.listing import listing as l;"
        "f = l(o(Path('.')), sort=['auc'], limit=1); print(f.total, f.runs[0].name)"
    )
    repo.layout.database.unlink(missing_ok=True)
    others = [
        subprocess.Popen([sys.executable, "-c", program], cwd=repo.root, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert {one.communicate()[0] for one in others} == {b"300 run-299\n"}
    assert names(repo, tags=["first"]) == ["run-0"]


def test_the_best_is_the_lowest_where_less_is_better(project: Path) -> None:
    (project / ".mlops.yaml").write_text(
        "models:\n  churn:\n    stages:\n      production:\n        gates:\n"
        "          - {metric: odd, max: 3}\n"
    )
    repo = open_repository(project)
    record(
        repo,
        [
            {"metrics": {"auc": 1, "val/loss": 1, "odd": 1, "RMSE": 1, "lossless": 1}},
            {"metrics": {"auc": 2, "val/loss": 2, "odd": 2, "RMSE": 2, "lossless": 2}},
            {"metrics": {"auc": "inf", "val/loss": "-inf", "odd": "nan"}},
        ],
    )
    best = {name: resolve(repo, f"best:{name}").name for name in ("auc", "val/loss", "odd")}
    assert best == {"auc": "run-1", "val/loss": "run-0", "odd": "run-0"}
    assert resolve(repo, "best:RMSE").name == "run-0"
    assert resolve(repo, "best:lossless").name == "run-1"
    assert resolve(repo, "best:-auc").name == "run-0"
    assert resolve(repo, "best:+odd").name == "run-1"
    assert meaning(repo, "best:odd") == "best:odd: lowest odd, as a gate in .mlops.yaml says"
    assert "going by the name" in str(meaning(repo, "best:auc"))
    assert meaning(repo, "last") is None
    assert direction(repo, "train.meanAbsoluteError").higher is False


def test_a_key_that_fits_two_runs_lists_them(repo: Repository) -> None:
    record(repo, [{}, {}])
    with pytest.raises(RequestError, match="'0000' may be 2 runs") as caught:
        resolve(repo, "0000")
    assert "run-0" in caught.value.message
    assert "000000000002" in caught.value.message
    assert caught.value.hint == "name it by its key: mlo runs show 000000000002"


def test_what_is_said_before_the_run_arrives_counts_when_it_does(repo: Repository) -> None:
    (run,) = record(repo, [{}])
    said.tag(repo, [run], {"early": ""})
    with open_index(repo) as index:
        index.connection.execute("DELETE FROM runs")
        index.connection.execute("DELETE FROM packs")
        index.connection.execute("DELETE FROM told")
    assert line(repo, "run-0").tags == {"early": ""}


def test_lines_of_some_runs_or_of_all(repo: Repository) -> None:
    one, _ = record(repo, [{}, {}])
    assert [line.key for line in lines_of(repo, Wanted(), ["run-0"])] == [one.key]
    assert len(lines_of(repo, Wanted())) == 2
    assert chosen(repo, ["run-0", one.key]) == (one,)


def test_numbers_too_long_for_a_float_are_shown_as_they_are(repo: Repository) -> None:
    record(repo, ({"params": {"seed": 2**70, "deep": {"x": 1}}} for _ in range(300)))
    assert listing(repo, limit=1).runs[0].params == {"seed": 2**70, "deep": {"x": 1}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": []},
        {"params": [1]},
        {"metrics": {"auc": "high"}},
        {"metrics": {"auc": {}}},
        {"metrics": []},
        {"steps": [{}]},
        {"code": None},
        {"tags": [3]},
        {"who": []},
        {"v": 99},
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_a_record_that_is_none_hides_no_other_and_is_told(
    repo: Repository, wrong: dict[str, object], many: bool
) -> None:
    (good, *others) = record(repo, ({} for _ in range(300 if many else 1)))
    held = json.loads(repo.objects.get(good.id))
    bad = repo.objects.put(json.dumps({**held, **wrong}).encode(), Kind.RUN)
    found = listing(repo)
    assert found.total == 1 + len(others)
    assert list(found.unreadable) == [bad]
    assert re.search(r"run|newer", found.unreadable[bad])
    with pytest.raises(IntegrityError, match=re.escape(found.unreadable[bad])):
        resolve(repo, bad[:12])


def test_an_audit_entry_that_is_malformed_is_told_too(repo: Repository) -> None:
    record(repo, [{}])
    bad = repo.objects.put(said.STARTS[0] + b',"v":1}', Kind.AUDIT)
    assert listing(repo).total == 1
    assert "malformed" in listing(repo).unreadable[bad]


def test_a_list_says_what_it_leaves_out(repo: Repository, mlo_here: Mlo) -> None:
    record(repo, [{}])
    bad = repo.objects.put(b'{"v":1}', Kind.RUN)
    done = mlo_here("runs", "list", cwd=repo.root)
    assert f"left out, as it cannot be read: the record of run {bad} is malformed" in done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert mlo_here("runs", "list", "--json", cwd=repo.root).json["unreadable"].keys() == {bad}
