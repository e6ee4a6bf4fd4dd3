import pytest

from mlops_cli.core.repository import Repository
from mlops_cli.errors import RequestError
from mlops_cli.runs.compare import compare
from mlops_cli.runs.find import resolve
from mlops_cli.runs.index import open_index
from mlops_cli.runs.listing import Wanted, listing
from mlops_cli.runs.remove import chosen, remove


@pytest.fixture
def three(made):
    return (
        made(params={"depth": 3}, metrics={"auc": 0.9, "rmse": 2}),
        made(params={"depth": 5}, metrics={"auc": 0.8, "rmse": 1}, name="deep"),
        made(params={"depth": 4}, metrics={"auc": "nan", "rmse": "inf"}),
    )


def test_a_run_goes_by_id_key_name_last_and_best(repo: Repository, three) -> None:
    first, second, third = three
    assert resolve(repo, first.id).key == first.key
    assert resolve(repo, first.id[:8]).key == first.key
    assert resolve(repo, second.key).key == second.key
    assert resolve(repo, "deep").key == second.key
    assert resolve(repo, "last").key == third.key
    assert resolve(repo, "best:auc").key == first.key
    assert resolve(repo, "best:-rmse").key == second.key
    assert resolve(repo, "best:rmse").key == second.key
    assert resolve(repo, "best:+rmse").key == first.key


def test_only_runs_that_were_done_are_best(repo: Repository, made) -> None:
    good = made(metrics={"auc": 0.5})
    made(metrics={"auc": 0.9}, status="failed")
    assert resolve(repo, "best:auc").key == good.key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nobody", "there is no run 'nobody'"),
        ("best:auk", "no run that was done has the metric 'auk'"),
        ("best:", "no run that was done has the metric ''"),
        ("0123456789", "there is no run '0123456789'"),
        ("%", "there is no run '%'"),
    ],
)
def test_what_fits_no_run_is_named(repo: Repository, three, text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        resolve(repo, text)


def test_a_metric_that_is_nearly_there_is_suggested(repo: Repository, three) -> None:
    with pytest.raises(RequestError) as caught:
        resolve(repo, "best:aucc")
    assert caught.value.hint == "did you mean 'auc'?"


def test_a_metric_that_is_never_finite_is_told_so(repo: Repository, made) -> None:
    made(metrics={"r": "inf"})
    with pytest.raises(RequestError, match="has a finite value of 'r'") as caught:
        resolve(repo, "best:+r")
    assert caught.value.hint == "mlo runs list --sort r"


def test_a_name_that_fits_two_runs_shows_their_ids(repo: Repository, made) -> None:
    one, other = made(name="twin"), made(name="twin")
    with pytest.raises(RequestError, match="'twin' may be 2 runs") as caught:
        resolve(repo, "twin")
    assert one.key in caught.value.message
    assert other.key in caught.value.message


def test_the_index_can_be_deleted_or_damaged(repo: Repository, three) -> None:
    resolve(repo, "last")
    repo.layout.database.unlink()
    assert resolve(repo, "last").key == three[2].key
    repo.layout.database.write_bytes(b"no database" * 100)
    assert resolve(repo, "last").key == three[2].key


def test_lists_are_newest_first_and_sort_by_metric_parameter_or_column(
    repo: Repository, three
) -> None:
    first, second, third = (run.key for run in three)

    def keys(*sort: str, limit: int | None = None, **wanted) -> list[str]:
        found = listing(repo, Wanted(**wanted), sort=sort, limit=limit)
        return [line.key for line in found.runs]

    assert keys() == [third, second, first]
    assert keys("auc") == [first, second, third]
    assert keys("-depth") == [first, third, second]
    assert keys("-started") == [first, second, third]
    assert keys(limit=1) == [third]
    assert listing(repo, limit=1).total == 3
    assert keys(status="failed") == []
    with pytest.raises(RequestError, match="no run has 'x' to sort by"):
        keys("x")
    with pytest.raises(RequestError, match="'x' is no status"):
        keys(status="x")


def test_lists_show_what_is_not_finite_as_it_is(repo: Repository, three) -> None:
    assert listing(repo, limit=1).runs[0].metrics == {"auc": "nan", "rmse": "inf"}


def test_removed_runs_leave_lists_references_and_the_cache(repo: Repository, three) -> None:
    remove(repo, chosen(repo, ["last", "deep"]))
    assert [line.key for line in listing(repo).runs] == [three[0].key]
    assert resolve(repo, "last").key == three[0].key
    repo.layout.database.unlink()
    assert resolve(repo, "last").key == three[0].key
    with pytest.raises(RequestError):
        chosen(repo, [three[0].key, "deep"])
    assert len(listing(repo).runs) == 1


def test_an_index_reads_new_runs_only(repo: Repository, made) -> None:
    made()
    with open_index(repo) as index:
        index.connection.execute("UPDATE runs SET name = 'kept'")
    made(name="new")
    with open_index(repo) as index:
        rows = index.connection.execute("SELECT name FROM runs ORDER BY started")
        assert [name for (name,) in rows] == ["kept", "new"]


def test_many_runs_are_merged_into_few_packs_and_stay_listed(repo: Repository, made) -> None:
    for number in range(40):
        made(metrics={"n": number})
    assert listing(repo).total == 40
    assert len(list(repo.layout.packs.iterdir())) < 40


def sections(repo: Repository, *references: str, everything: bool = False) -> dict:
    found = compare(repo, references, everything=everything)
    return {section.title: {row.name: row for row in section.rows} for section in found.sections}


def test_a_comparison_shows_only_what_differs(repo: Repository, made) -> None:
    made(params={"depth": 3, "seed": 1}, metrics={"auc": 0.5, "n": 1})
    made(params={"depth": 4, "seed": 1}, metrics={"auc": 0.75, "n": 1, "new": 2})
    found = sections(repo)
    assert found["parameters"].keys() == {"depth"}
    assert found["parameters"]["depth"].values == (3, 4)
    assert found["metrics"]["auc"].difference == 0.25
    assert found["metrics"]["new"].values == (None, 2)
    assert found["metrics"]["new"].difference is None
    assert "n" not in found["metrics"]
    assert found.keys() == {"parameters", "metrics"}
    assert sections(repo, everything=True)["parameters"].keys() == {"depth", "seed"}


def test_one_reference_is_compared_with_the_run_before_it(repo: Repository, three) -> None:
    found = compare(repo, [three[1].key])
    assert found.ids == (three[0].id, three[1].id)
    with pytest.raises(RequestError, match="no earlier run"):
        compare(repo, [three[0].key])


def test_equal_runs_do_not_differ(repo: Repository, made) -> None:
    made(), made()
    assert sections(repo) == {}


def test_truth_and_one_differ(repo: Repository, made) -> None:
    made(params={"flag": True}), made(params={"flag": 1})
    assert sections(repo)["parameters"]["flag"].values == (True, 1)


def test_runs_are_listed_where_the_index_cannot_be_written(repo: Repository, three) -> None:
    repo.layout.database.mkdir()
    assert listing(repo).total == len(three)
