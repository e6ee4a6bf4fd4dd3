"""Windows of what a model was asked, its answers, its segments: what else there is to drift."""

import json

import numpy as np
import pandas as pd
import pytest

from mlops_cli.core import canonical
from mlops_cli.core.config_log import LogSettings
from mlops_cli.data.prediction_log import Source
from mlops_cli.data.prediction_writer import PredictionWriter
from mlops_cli.errors import RequestError
from mlops_cli.monitor import live
from mlops_cli.monitor.live import Span
from mlops_cli.registry import signature
from mlops_cli.registry.explaining import kept as importances
from tests.monitor.conftest import table


def asked(rows=200, seed=2, shift=0.0):
    frame = table(rows, seed).drop(columns="price")
    return frame.assign(width=frame["width"] + shift)


def tables(root, **changes):
    """Write two tables of 600 rows, a row an hour; `changes` are made to the second half."""
    before = table(600, 1).drop(columns="price")
    now = table(600, 2).drop(columns="price")
    late = np.arange(600) >= 300
    for name, by in changes.items():
        now[name] = np.where(late, by, now[name])
    now["when"] = pd.date_range("2026-01-01", periods=600, freq="h")
    before.to_csv(root / "before.csv", index=False)
    now.to_csv(root / "now.csv", index=False)
    return {"reference": "before.csv", "current": "now.csv"}


def test_windows_of_predictions_say_since_when(shop):
    version = shop.register()
    shop.answer(version, asked(200))
    shop.answer(version, asked(200, 3, shift=2.0))
    found = live.check(shop.repo, window="100")
    report = found.windows.report
    assert [one.rows for one in report.windows] == [100] * 4
    width = report.columns[0]
    assert (width.name, width.verdict, width.in_a_row, width.now) == ("width", "drift", 2, True)
    assert width.since == report.windows[2].label
    assert found.verdict == "drift"
    assert not found.holds
    assert "and still does" in found.reason


def test_one_window_that_differs_is_no_drift_yet(shop):
    version = shop.register()
    shop.answer(version, asked(300))
    shop.answer(version, asked(100, 3, shift=2.0))
    found = live.check(shop.repo, window="100")
    assert (found.verdict, found.windows.report.columns[0].verdict) == ("warn", "warn")
    assert found.holds
    assert live.check(shop.repo).verdict == "drift"


def test_windows_of_a_table_go_by_its_column_of_time(shop):
    pair = tables(shop.root, width=3.0)
    found = live.check(shop.repo, **pair, window="5d", time="when")
    labels = [one.label for one in found.windows.report.windows]
    assert labels[1:3] == ["2026-01-02", "2026-01-07"]
    assert found.windows.report.columns[0].name == "width"
    assert found.windows.report.columns[0].since == "2026-01-12"
    assert not found.windows.extents[-1].whole
    assert found.windows.extents[0].start == "2025-12-28T00:00:00.000000Z"


def test_windows_of_rows_need_no_time(shop):
    found = live.check(shop.repo, **tables(shop.root, width=3.0), window="150")
    assert [one.label for one in found.windows.report.windows] == [
        "row 1",
        "row 151",
        "row 301",
        "row 451",
    ]
    assert found.windows.extents[0].start is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"window": "1d"}, "windows of a time need to know when each row was"),
        ({"window": "1d", "time": "width"}, "'width' has numbers, not moments"),
        ({"window": "1d", "time": "colour"}, "'colour' has no moment that can be read"),
        ({"window": "1d", "time": "day"}, "'now.csv' has no column 'day'"),
        ({"time": "when"}, "no windows are looked at"),
        ({"window": "often"}, "not how wide a window is"),
        ({"window": "1d", "segment": "colour"}, "one at a time"),
        ({"segment": "region"}, "no column 'region'"),
        ({"segment": "when"}, "no column 'when'"),
        ({"predictions": True}, "a table was named"),
        ({"importance": True}, "no model is looked at"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(shop, options, says):
    with pytest.raises(RequestError, match=says):
        live.check(shop.repo, **tables(shop.root), **options)


def test_rows_without_a_time_are_left_out_and_told(shop):
    pair = tables(shop.root)
    now = pd.read_csv("now.csv")
    now.loc[:9, "when"] = None
    now.to_csv("now.csv", index=False)
    found = live.check(shop.repo, **pair, window="200", time="when")
    assert found.windows.notes == ("10 rows without a time left out",)
    assert sum(one.rows for one in found.windows.report.windows) == 590


def test_of_very_many_windows_the_newest_are_looked_at_and_the_others_told(shop):
    found = live.check(shop.repo, **tables(shop.root), window="1h", time="when")
    assert (len(found.windows.report.windows), found.windows.left_out) == (100, 500)
    assert found.verdict == "too few rows"


def test_a_column_that_is_gone_is_told_though_there_is_no_window(shop):
    pair = tables(shop.root)
    pd.DataFrame({"width": []}).to_csv("now.csv", index=False)
    found = live.check(shop.repo, **pair, window="100")
    assert (found.verdict, found.windows.report.verdict) == ("not comparable", "too few rows")
    assert not found.holds


def test_windows_and_segments_count_every_row_however_many_there_are(shop, monkeypatch):
    monkeypatch.setattr("mlops_cli.monitor.given._BESIDE", 350)
    pair = tables(shop.root, width=3.0)
    found = live.check(shop.repo, **pair, window="200")
    assert [one.rows for one in found.windows.report.windows] == [200, 200, 200]
    assert (found.windows.notes, found.verdict) == ((), "drift")
    parts = live.check(shop.repo, **pair, segment="colour").segments
    assert sum(one.current_rows for one in parts.segments) == 600


def test_windows_and_segments_go_by_the_disk_where_memory_is_little(shop, monkeypatch):
    pair = tables(shop.root, width=3.0)
    asked = {"window": "1d", "time": "when"}, {"segment": "colour"}
    expected = [live.check(shop.repo, **pair, **how) for how in asked]
    monkeypatch.setattr("mlops_cli.monitor.given.BUDGET_BYTES", 100)
    assert [live.check(shop.repo, **pair, **how) for how in asked] == expected


def test_a_segment_is_held_against_the_same_segment_of_the_reference(shop):
    pair = tables(shop.root)
    for name, shift in (("before.csv", 0.0), ("now.csv", 2.0)):
        frame = pd.read_csv(name)
        red = frame["colour"] == "red"
        frame["width"] = frame["width"] + np.where(red, shift, -shift)
        frame.to_csv(name, index=False)
    found = live.check(shop.repo, **pair, segment="colour").segments
    assert {one.name: one.verdict for one in found.segments} == {"red": "drift", "blue": "drift"}
    assert all("colour" not in {c.name for c in one.columns} for one in found.segments)
    assert "2 of 2 segments" in found.reason


def test_a_segment_that_is_new_cannot_be_compared_and_a_rare_one_has_too_few_rows(shop):
    pair = tables(shop.root)
    now = pd.read_csv("now.csv")
    now["colour"] = np.where(now.index < 400, "red", "green")
    now.loc[599, "colour"] = "grey"
    now.to_csv("now.csv", index=False)
    found = live.check(shop.repo, **pair, segment="colour").segments
    verdicts = {one.name: one.verdict for one in found.segments}
    assert verdicts["green"] == "not comparable"
    assert verdicts["grey"] == verdicts["blue"] == "too few rows"


def test_segments_are_those_of_the_log_and_of_the_training_table(shop):
    version = shop.register()
    shop.answer(version, asked(400).assign(width=lambda f: f["width"] + 3 * (f["colour"] == "red")))
    found = live.check(shop.repo, segment="colour")
    assert {one.name: one.verdict for one in found.segments.segments} == {
        "red": "drift",
        "blue": "ok",
    }
    assert found.verdict == "drift"


def test_segments_of_very_many_values_are_the_commonest_and_it_is_said(shop):
    pair = tables(shop.root)
    for name in pair.values():
        frame = pd.read_csv(name)
        frame.assign(who=[f"user {n % 60}" for n in range(600)]).to_csv(name, index=False)
    found = live.check(shop.repo, **pair, segment="who").segments
    assert len(found.segments) == 21
    assert found.notes == ("'who' has 60 values; all but the 20 commonest are one segment",)


def test_segments_of_a_column_that_the_log_hides_are_refused(shop):
    shop.answer(shop.register(), asked(), LogSettings(hash=("colour",)))
    with pytest.raises(RequestError, match="does not have the values of 'colour'"):
        live.check(shop.repo, segment="colour")


def test_segments_are_found_where_the_model_calls_columns_by_their_order(shop):
    names = {"width": "x0", "colour": "x1"}
    held = signature.from_frame(asked().rename(columns=names)).to_dict()
    version = shop.register(signature=held)
    shop.answer(version, asked(400).rename(columns=names))
    found = live.check(shop.repo, segment="x1").segments
    assert {one.name: one.verdict for one in found.segments} == {"red": "ok", "blue": "ok"}


def answered(shop, version, predictions, shares=None, classes=None):
    """Log answers to 100 usual requests or more."""
    frame = asked(len(predictions), 7)
    source = Source(version.model, version.number, version.id, tuple(frame.columns), classes)
    writer = PredictionWriter(shop.repo.layout.predictions, warn=pytest.fail)
    columns = [frame[name].tolist() for name in frame.columns]
    writer.record(writer.reserve(source, len(frame)), columns, predictions, shares)
    writer.close()


def test_predictions_are_looked_at_on_request_against_the_first(shop):
    version = shop.register()
    rng = np.random.default_rng(1)
    answered(shop, version, rng.normal(size=400).tolist())
    assert live.check(shop.repo).answered is None
    found = live.check(shop.repo, predictions=True)
    assert found.answered.against == "its first 80 answers"
    assert {c.name: c.verdict for c in found.report.columns}["prediction"] == "ok"
    answered(shop, version, (rng.normal(size=400) + 2).tolist())
    found = live.check(shop.repo, predictions=True)
    assert found.report.columns[0].name == "prediction"
    assert (found.verdict, found.answered.columns) == ("drift", ("prediction",))


def test_answers_of_a_classifier_are_labels_with_a_probability(shop):
    version = shop.register(task="classification")
    rng = np.random.default_rng(2)
    for mean in (0.3, 0.7):
        sure = np.clip(rng.normal(mean, 0.1, 300), 0, 1)
        shares = np.stack((1 - sure, sure), axis=1)
        answered(shop, version, (sure > 0.5).astype(int).tolist(), shares.tolist(), (0, 1))
    found = live.check(shop.repo, predictions=True)
    by = {column.name: column for column in found.report.columns}
    assert found.answered.columns == ("prediction", "probability of 1")
    assert by["prediction"].kind == "category"
    assert (by["prediction"].verdict, by["probability of 1"].verdict) == ("drift", "drift")
    assert by["width"].verdict == "ok"
    over = live.check(shop.repo, predictions=True, window="100").windows.report
    assert {one.name for one in over.columns if one.verdict == "drift"} == {
        "prediction",
        "probability of 1",
    }


def test_an_input_may_be_called_prediction(shop):
    frame = table(300, 1).rename(columns={"width": "prediction"})
    held = signature.from_frame(frame, leave_out=("price",)).to_dict()
    version = shop.register(frame, signature=held)
    shop.answer(version, asked(200).rename(columns={"width": "prediction"}))
    found = live.check(shop.repo, predictions=True)
    assert found.answered.columns == ("prediction (answer)",)
    assert len(found.report.columns) == 3


def test_predictions_that_nobody_asked_for_are_refused(shop):
    shop.register()
    with pytest.raises(RequestError, match="has not answered anything yet"):
        live.check(shop.repo, predictions=True)
    assert live.check(shop.repo).verdict == "too few rows"
    assert live.check(shop.repo, window="1d").verdict == "too few rows"


def test_what_was_kept_of_importance_weighs_the_columns(shop):
    version = shop.register()
    shop.answer(version, asked(shift=1.0))
    assert live.check(shop.repo).importance == ""
    path = shop.repo.layout.importance / f"{version.id}.json"
    path.parent.mkdir()
    held = {"v": 1, "of": "loss of r2", "columns": {"width": 0.6, "colour": 0.2}}
    path.write_bytes(canonical.encode(held))
    found = live.check(shop.repo)
    assert {c.name: c.importance for c in found.report.columns} == pytest.approx(
        {"width": 0.75, "colour": 0.25}
    )
    assert (found.importance, "75 % of the importance" in found.reason) == ("loss of r2", True)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"v":2}', b'{"columns":{"a":"x"},"of":"b","v":1}'])
def test_importance_that_cannot_be_read_counts_as_unknown(shop, data):
    version = shop.register()
    path = shop.repo.layout.importance / f"{version.id}.json"
    path.parent.mkdir()
    path.write_bytes(data)
    assert importances.known(shop.repo, version) is None


def test_columns_together_are_looked_at_without_moments(shop):
    rng = np.random.default_rng(5)
    for name, sign in (("before.csv", 1), ("now.csv", -1)):
        x = rng.normal(size=400)
        frame = pd.DataFrame({"x": x, "y": sign * x + rng.normal(0, 0.3, 400)})
        frame["day"] = pd.date_range("2026-01-01" if sign > 0 else "2026-06-01", periods=400)
        frame.to_csv(name, index=False)
    found = live.check(shop.repo, reference="before.csv", current="now.csv", multivariate=True)
    assert found.report.verdict == "ok"
    assert found.together.verdict == found.verdict == "drift"
    assert "day" not in found.together.reason


def test_columns_together_look_at_what_texts_say(shop):
    rng = np.random.default_rng(6)
    for name, moved in (("before.csv", False), ("now.csv", True)):
        x = rng.normal(size=400)
        kinds = np.where((x > 0) != moved, "good", "bad")
        said = [f"a {kind} day {n} for number {n % 7} of {n}" for n, kind in enumerate(kinds)]
        pd.DataFrame({"x": x, "said": said, "key": [f"k{n}" for n in range(400)]}).to_csv(name)
    found = live.check(shop.repo, reference="before.csv", current="now.csv", multivariate=True)
    assert found.report.verdict == "ok"
    assert found.together.verdict == "drift"
    assert "said" in found.together.separation.gives_away
    assert found.together.left_out == {"key": "names or keys", "Unnamed: 0": "names or keys"}


def test_a_damaged_log_is_told_over_windows_too(shop):
    version = shop.register()
    shop.answer(version, asked())
    shop.answer(version, asked(seed=5))
    damaged = next((shop.repo.layout.predictions / "churn").glob("*.seg"))
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 0xFF
    damaged.write_bytes(data)
    found = live.check(shop.repo, window="100")
    assert "a damaged place" in found.notes[0]
    assert sum(one.rows for one in found.windows.report.windows) == 200


def test_everything_that_is_told_is_json(shop):
    from mlops_cli.cli import show

    version = shop.register()
    shop.answer(version, asked(shift=1.0))
    found = live.check(shop.repo, window="100", span=Span(last=150), predictions=True)
    assert json.loads(json.dumps(show.plain(found)))["windows"]["report"]["verdict"]
