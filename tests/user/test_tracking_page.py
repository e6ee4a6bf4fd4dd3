"""The blocks of `docs/tracking.md` run as they stand, and give what the page says."""

from pathlib import Path

from mlops_cli.core import canonical
from mlops_cli.core.repository import open_repository
from mlops_cli.runs.find import resolve
from tests.user.pages import type_blocks


def test_the_blocks_of_the_page_run_and_record_what_it_says(tmp_path: Path) -> None:
    type_blocks("tracking.md", tmp_path)
    repo = open_repository(tmp_path / "wine")
    first = resolve(repo, "first")
    assert first.seeds["python"] == 7
    assert first.code.snapshot is not None
    assert first.params == {"model.C": 0.5}
    evaluated = resolve(repo, "evaluated")
    assert evaluated.tags == ("baseline", "team=risk")
    assert {one.path for one in evaluated.files} == {
        "classes.json", "curve.csv", "notes/verdict.txt",
    }  # fmt: skip
    folds = resolve(repo, "folds")
    assert resolve(repo, "fold-2").parent == folds.key
    assert "GridSearchCV.best.C" in resolve(repo, "auto").params
    job = resolve(repo, "job")
    assert job.environment is not None
    assert canonical.decode(repo.objects.get(job.environment))["variables"] == {
        "SLURM_JOB_ID": "17"
    }
