"""Autolog with the real libraries: what they are given and reach is in the record by itself."""

import csv
import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from mlops_cli.core.repository import Repository, open_repository
from mlops_cli.runs.find import resolve
from mlops_cli.runs.record import Run

DATA = """
import warnings, numpy as np, pandas as pd
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(120, 3)), columns=list("abc"))
y = (X["a"] + X["b"] > 0).astype(int)
"""


@pytest.fixture
def repo(project) -> Repository:
    return open_repository(project)


def trained(repo: Repository, text: str) -> tuple[Run, str]:
    """Run a script with autolog, and return the record and what it said."""
    (repo.root / "script.py").write_text(f"import mlops_cli.api as mlo\n{text}")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=repo.root, capture_output=True, text=True, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MLO_QUIET": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return resolve(open_repository(repo.root), "last"), done.stderr


FITS = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
assert "sklearn" in mlo.autolog()
mlo.autolog()
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import cross_val_score
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
model = LogisticRegression(C=0.5).fit(X, y)
assert type(model) is LogisticRegression and model.fit(X, y) is model
make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
cross_val_score(LogisticRegression(C=0.5), X, y, cv=3)
LogisticRegression(C=9).fit(X, y, sample_weight=np.ones(len(y)))
RandomForestClassifier(n_estimators=3, random_state=0, n_jobs=2).fit(X=X, y=y)
voters = [("a", LogisticRegression()), ("b", RandomForestClassifier(2))]
VotingClassifier(voters, n_jobs=2).fit(X, y)
try:
    LogisticRegression(C=-1).fit(X, y)
    raise SystemExit(9)
except ValueError:
    pass
"""


def test_fits_of_scikit_learn_are_recorded_with_params_and_score(repo: Repository) -> None:
    run, said = trained(repo, DATA + FITS)
    assert said == ""
    assert run.params["LogisticRegression.C"] == 0.5
    assert run.params["LogisticRegression-2.C"] == 9
    assert run.params["Pipeline.LogisticRegression.logisticregression.C"] == 1
    assert run.params["RandomForestClassifier.n_estimators"] == 3
    assert run.params["VotingClassifier.b.n_estimators"] == 2
    assert not [name for name in run.params if name.startswith(("StandardScaler", "DecisionTree"))]
    scores = {name for name in run.metrics if name.endswith("training_score")}
    assert scores == {
        f"{name}.training_score"
        for name in (
            "LogisticRegression", "LogisticRegression-2", "Pipeline.LogisticRegression",
            "RandomForestClassifier", "VotingClassifier",
        )
    }  # fmt: skip
    assert 0.5 < float(run.metrics["LogisticRegression.training_score"]) <= 1


SEARCH = """
mlo.autolog(models=True)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
search = GridSearchCV(LogisticRegression(), {"C": [0.01, 1.0]}, cv=3, n_jobs=2).fit(X, y)
print(search.best_params_)
"""


def test_a_search_is_recorded_with_its_table_and_best_and_model(repo: Repository) -> None:
    run, said = trained(repo, DATA + SEARCH)
    assert said == ""
    assert run.params["GridSearchCV.best.C"] in (0.01, 1.0)
    assert run.params["GridSearchCV.param_grid"] == "{'C': [0.01, 1.0]}"
    assert 0.5 < float(run.metrics["GridSearchCV.best_score"]) <= 1
    assert not [name for name in run.params if name.startswith("LogisticRegression")]
    (table,) = (one for one in run.files if one.path == "GridSearchCV/cv_results.csv")
    rows = list(csv.DictReader(repo.objects.get(table.oid).decode().splitlines()))
    assert [row["param_C"] for row in rows] == ["0.01", "1.0"]
    assert "mean_test_score" in rows[0]
    assert [one.path for one in run.models] == ["models/GridSearchCV"]


BOOSTING = """
mlo.autolog()
import {library}
from {library} import {model}
{model}(n_estimators=4, max_depth=2, n_jobs=1, {quiet}).fit(X, y, eval_set=[(X, y)])
data = {library}.{matrix}(X, label=y)
{library}.train({{"objective": "binary{colon}logistic"{more}}}, data, num_boost_round=3, {evals})
"""


@pytest.mark.parametrize(
    ("library", "options", "metric"),
    [
        (
            "xgboost",
            {"model": "XGBClassifier", "matrix": "DMatrix", "colon": ":", "quiet": "verbosity=0",
             "more": "", "evals": "evals=[(data, 'own')], verbose_eval=False"},
            ("validation_0.logloss", "own.logloss"),
        ),
        (
            "lightgbm",
            {"model": "LGBMClassifier", "matrix": "Dataset", "colon": "", "quiet": "verbosity=-1",
             "more": ", 'metric': 'binary_logloss', 'verbosity': -1",
             "evals": "valid_sets=[data], valid_names=['own']"},
            ("training.binary_logloss", "own.binary_logloss"),
        ),
    ],
)  # fmt: skip
def test_boosting_records_each_round(
    repo: Repository, library: str, options: dict[str, str], metric: tuple[str, str]
) -> None:
    text = BOOSTING.replace("binary{colon}logistic", "binary:logistic")
    if library == "lightgbm":
        text = text.replace("binary:logistic", "binary")
    run, said = trained(repo, DATA + text.format(library=library, **options))
    assert "RuntimeWarning" not in said
    kind = options["model"]
    assert run.params[f"{kind}.max_depth"] == 2
    assert f"{kind}.training_score" in run.metrics
    assert "num_boost_round" in str(sorted(run.params))
    assert [run.series[name]["count"] for name in metric] == [4, 3]
    assert run.history is not None
    lines = [json.loads(line) for line in repo.objects.get(run.history).splitlines()]
    assert [line["step"] for line in lines if metric[1] in line["metrics"]] == [0, 1, 2]


ODD = """
mlo.autolog()
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import Ridge
class Odd(ClassifierMixin, BaseEstimator):
    def __init__(self, size=1): self.size = size
    def fit(self, X, y): return self
    def predict(self, X): return y
    def score(self, X, y): raise OSError("no score today")
for _ in range(2):
    Odd().fit(X, y)
for number in range(30):
    Ridge(alpha=number + 1).fit(X, y)
"""


def test_what_goes_wrong_or_is_too_much_is_said_and_the_training_goes_on(repo: Repository) -> None:
    run, said = trained(repo, DATA + ODD)
    problem = "mlo autolog could not record the fit of Odd: OSError: no score today"
    assert said.count(f"RuntimeWarning: {problem}") == 1
    assert run.params["Odd.size"] == 1
    assert "mlo autolog records no more than 20 different Ridge" in said
    assert len([name for name in run.params if name.endswith(".alpha")]) == 20


LIGHTNING = """
mlo.autolog()
import torch, warnings
import {package} as L
from torch.utils.data import DataLoader, TensorDataset

class Line(L.LightningModule):
    def __init__(self, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(3, 1)
    def training_step(self, batch, index):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("loss", loss)
        return loss
    def validation_step(self, batch, index):
        self.log("always", 1.0)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

rows = torch.randn(64, 3)
data = DataLoader(TensorDataset(rows, rows.sum(1, keepdim=True)), batch_size=16)
quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False,
             enable_model_summary=False, accelerator="cpu")
trainer = L.Trainer(max_epochs=3, **quiet)
model = Line()
trainer.fit(model, data, data)
trainer.fit(model=model, train_dataloaders=data)
"""


@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
def test_lightning_records_each_epoch_once_and_no_sanity_check(
    repo: Repository, package: str
) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    run, _ = trained(repo, LIGHTNING.format(package=package))
    assert run.params == {"Lightning.hparams.lr": 0.1, "Lightning.max_epochs": 3}
    assert run.history is not None
    lines = [json.loads(line) for line in repo.objects.get(run.history).splitlines()]
    for name in ("loss", "always"):
        steps = [line["step"] for line in lines if name in line["metrics"]]
        assert steps == [0, 1, 2]
