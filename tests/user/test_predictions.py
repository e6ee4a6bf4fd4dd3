"""What was answered can be listed, labelled, exported and let go from the terminal."""

import os
from pathlib import Path

import pandas as pd
import pytest

from mlops_cli.core.repository import open_repository
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter


@pytest.fixture
def ids(project: Path) -> list[str]:
    repo = open_repository(project)
    writer = PredictionWriter(repo.layout.predictions, warn=pytest.fail)
    source = Source("iris", 1, "ab" * 32, ("petal", "soil"), (0, 1))
    shadow = Source("iris", 2, "cd" * 32, ("petal", "soil"), (0, 1), role="shadow")
    ticket = writer.reserve(source, 3)
    columns = [[1.0, 2.0, 3.5], ["loam", None, "clay"]]
    writer.record(ticket, columns, [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    other = writer.reserve(shadow, 1)
    writer.record(other, [[1.0], ["loam"]], [1], [[0.4, 0.6]])
    writer.close()
    return [f"{ticket.segment}-{number}" for number in range(3)]


def test_labels_from_a_file_come_with_the_predictions(
    project: Path, ids: list[str], mlo_here
) -> None:
    table = pd.DataFrame({"prediction": [ids[0], ids[2]], "truth": [1, 0]})
    table.to_csv("labels.csv", index=False)
    told = mlo_here("feedback", "labels.csv", code=2).stderr
    assert "'labels.csv' has no column 'id'" in told
    given = ("feedback", "labels.csv", "--id", "prediction", "--label", "truth")
    assert mlo_here(*given).stdout == "2 labels: 2 new\n"
    assert mlo_here(*given).stdout == "2 labels: 0 new, 2 known already\n"
    Path("more.jsonl").write_text(
        f'{{"id": "{ids[0]}", "label": 0}}\n{{"id": "ffff000000000000-1", "label": 1}}\n'
    )
    told = mlo_here("feedback", "more.jsonl", code=1).stdout
    assert "1 label: 0 new, 1 replace another" in told
    assert "1 for ids that no prediction in this clone has\n  ffff000000000000-1" in told
    Path("bad.csv").write_text(f"id,label\n{ids[0]},1\n{ids[1]},\n")
    assert (
        "'bad.csv' row 2 has no value for 'label'" in mlo_here("feedback", "bad.csv", code=2).stderr
    )
    done = mlo_here("predictions", "export", "iris", "out.csv", "--labelled", "--json").json
    assert done["rows"] == 2
    found = pd.read_csv("out.csv")
    assert found["id"].tolist() == [ids[0], ids[2]]
    assert found["label"].tolist() == [0, 0]
    assert found["petal"].tolist() == [1.0, 3.5]
    assert found["probability_1"].tolist() == [0.1, 0.6]
    listed = mlo_here("predictions", "list", "--json").json
    assert [(one["role"], one["rows"], one["labels"]) for one in listed] == [
        ("answer", 3, 2),
        ("shadow", 1, 0),
    ]
    assert "iris v1  answer" in mlo_here("predictions", "list").stdout


def test_predictions_are_exported_as_any_kind_of_table(
    project: Path, ids: list[str], mlo_here
) -> None:
    for name in ("out.tsv", "out.jsonl"):
        mlo_here("predictions", "export", "iris", name)
    assert pd.read_csv("out.tsv", sep="\t")["soil"].isna().tolist() == [False, True, False]
    assert "exists already" in mlo_here("predictions", "export", "iris", "out.tsv", code=2).stderr
    told = mlo_here("predictions", "export", "irsi", "none.csv", code=2).stderr
    assert "no predictions of 'irsi'" in told
    assert not Path("none.csv").exists()
    mlo_here("predictions", "export", "iris", "shadow.csv", "--shadow")
    assert pd.read_csv("shadow.csv")["role"].tolist() == ["shadow"]
    assert "no predictions" in mlo_here("predictions", "list", "none").stdout


def test_predictions_are_exported_as_parquet(project: Path, ids: list[str], mlo_here) -> None:
    pytest.importorskip("pyarrow", reason="part of mlo[parquet]")
    mlo_here("predictions", "export", "iris", "out.parquet")
    assert pd.read_parquet("out.parquet")["soil"].isna().tolist() == [False, True, False]


def test_gc_drops_predictions_that_are_too_old(project: Path, ids: list[str], mlo_here) -> None:
    Path(".mlops.yaml").write_text("serving:\n  log:\n    retain: 30d\n")
    for path in Path(".mlo/predictions/iris").glob("*.seg"):
        os.utime(path, (1, 1))
    assert "would drop 2 segments of the prediction log" in mlo_here("gc", "--dry-run").stdout
    assert mlo_here("gc", "--json").json["prediction_segments"] == 2
    assert mlo_here("predictions", "list", "--json").json == []


def test_labels_that_cannot_be_true_are_told(project: Path, ids: list[str], mlo_here) -> None:
    Path("odd.csv").write_text(f"id,label,at\n{ids[0]},1,0\n{ids[1]},7,0\n")
    told = mlo_here("feedback", "odd.csv")
    assert told.stdout == "2 labels: 2 new\n"
    assert "1 label of classes that the model does not have" in told.stderr
    Path("worse.csv").write_text(f"id,label\n{ids[0]},7\n")
    told = mlo_here("feedback", "worse.csv", code=1)
    assert "1 not kept, since they cannot count with the model" in told.stdout
    Path("late.csv").write_text(f"id,label,at\n{ids[0]},1,2999-01-01\n")
    told = mlo_here("feedback", "late.csv", "--time", "at", code=2)
    assert "'late.csv' row 1: 2999-01-01 is still to come" in told.stderr
