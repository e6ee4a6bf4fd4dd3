"""`mlo evaluate`, `approve`, `promote` and `audit`, as they are typed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlops_cli.core.repository import open_repository
from mlops_cli.registry import formats, signature
from mlops_cli.registry.register import register
from tests.conftest import Mlo, git

SETTINGS = """
models:
  churn:
    target: left
    stages:
      production:
        approvals: 1
        gates:
          - {metric: accuracy, data: data/test.csv, slice: region=north, min: 0.5}
          - {fairness: demographic_parity_difference, of: sex, data: data/test.csv, max: 1}
          - {drift: production}
"""


@pytest.fixture
def shop(project: Path) -> Path:
    """A project in git with churn v1, and a table that it was not fitted on."""
    rng = np.random.default_rng(3)
    age = rng.integers(20, 70, 240)
    rows = pd.DataFrame(
        {
            "age": age,
            "region": np.where(rng.random(240) < 0.5, "north", "south"),
            "sex": np.where(rng.random(240) < 0.5, "f", "m"),
            "left": np.where(age + rng.normal(0, 9, 240) > 45, "yes", "no"),
        }
    )
    (project / ".mlops.yaml").write_text(SETTINGS)
    (project / "data").mkdir()
    rows[140:].to_csv(project / "data/test.csv", index=False)
    fitted = LogisticRegression().fit(rows[["age"]][:140], rows["left"][:140])
    formats.save(fitted, project / "model", signature.for_model(fitted, rows[["age"]]))
    register(open_repository(project), "churn", path=project / "model")
    return project


def test_from_an_evaluation_to_production(shop: Path, mlo_here: Mlo) -> None:
    refused = mlo_here("promote", "churn", "production", "--dry-run", code=1).stdout
    assert "  FAIL  approved by 1 person beside the author: still to approve: 1 of" in refused
    assert "mlo evaluate churn@v1 --data data/test.csv" in refused
    options = ["--data", "data/test.csv", "--slice", "region", "--sensitive", "sex"]
    told = mlo_here("evaluate", "churn", *options)
    assert told.stdout.startswith("churn v1 on data/test.csv@")
    assert "100 rows (as was asked)" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 100
    assert "on record as " in told.stderr
    found = json.loads(mlo_here("evaluate", "churn", *options, "--json").stdout)
    assert found["metrics"]["accuracy"]["low"] < found["metrics"]["accuracy"]["high"]
    assert {one["value"] for one in found["slices"]} == {"north", "south"}
    markdown = mlo_here("evaluate", "churn", *options, "--md", "--positive", "no").stdout
    assert markdown.startswith("### churn v1 on data/test.csv&#64;")
    assert "| `accuracy` | " in markdown
    mistake = mlo_here("approve", "churn", "production", code=2).stderr
    assert "made churn v1, so somebody else has to approve it" in mistake
    git(shop, "config", "user.name", "Bob")
    git(shop, "config", "user.email", "bob@example.org")
    given = mlo_here("approve", "churn", "production", "--reason", "looked")
    assert given.stdout.startswith("churn v1 is approved for production, not signed\n  Bob <bob@")
    assert given.stderr == "next: mlo promote churn@v1 production\n"
    back = mlo_here("approve", "churn", "production", "--revoke")
    assert back.stdout == "churn v1 is not approved for production by you any more\n"
    again = json.loads(mlo_here("approve", "churn", "production", "--json").stdout)
    assert again["standing"]["counted"][0]["who"]["email"] == "bob@example.org"
    moved = mlo_here("promote", "churn", "production").stdout
    assert moved.endswith("churn v1 is in production now\n")
    assert "FAIL" not in moved

    listed = mlo_here("audit", "churn", "--who", "BOB@example.org", "--action", "approve").stdout
    assert [line.split()[2:] for line in listed.splitlines()[1:]] == [
        ["Bob", "approve", "for", "production", "churn", "v1"]
    ] * 2
    none = mlo_here("audit", "--since", "2999-01-01")
    assert (none.stdout, none.stderr) == ("", "nothing of this among 7 entries\n")
    assert mlo_here("audit", "--verify").stdout.startswith("the record holds: 7 entries, 7 events")
    asked = mlo_here("audit", "--verify", "--signed", code=4)
    assert asked.stdout.count(" is not signed") == 7
    assert mlo_here("audit", "--signed", code=2).stderr.startswith("mlo: --signed goes with")
