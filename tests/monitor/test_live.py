"""Both tables are found by lineage: nobody says what a model was trained on or asked."""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from mlops_cli.core import tree
from mlops_cli.core.config_log import LogSettings
from mlops_cli.core.objects import Kind
from mlops_cli.core.repository import open_repository
from mlops_cli.errors import IntegrityError, RequestError
from mlops_cli.monitor import live
from mlops_cli.monitor.live import Side, Span
from mlops_cli.registry import events, models, profile, signature
from tests.monitor.conftest import table


def asked(rows=200, seed=2, shift=0.0):
    frame = table(rows, seed).drop(columns="price")
    return frame.assign(width=frame["width"] + shift)


def test_nothing_needs_to_be_said_after_a_model_answered(shop):
    version = shop.register()
    shop.answer(version, asked(shift=1.0))
    found = live.check(shop.repo)
    assert (found.model, found.version) == ("churn", 1)
    assert found.reference == Side("data/train.csv", oid=version.data.oid)
    assert found.current == Side(None)
    report = found.report
    assert (report.reference_rows, report.current_rows) == (300, 200)
    assert {c.name: c.verdict for c in report.columns} == {"width": "drift", "colour": "ok"}


def test_live_data_like_the_training_data_has_not_drifted(shop):
    shop.answer(shop.register(), asked())
    assert live.check(shop.repo).report.verdict == "ok"


def test_a_project_that_cannot_be_written_is_watched_all_the_same(shop, monkeypatch, tmp_path):
    version = shop.register()
    shop.answer(version, asked(shift=1.0))
    shutil.rmtree(shop.repo.layout.tmp)
    shop.repo.layout.tmp.touch()  # what a mode forbids, root may do
    (tmp_path / "aside").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "aside"))
    found = live.check(shop.repo, multivariate=True)
    assert found.report.verdict == "drift"
    with models.materialise(shop.repo, version) as path:
        assert path.is_relative_to(tmp_path / "aside")
    assert shop.repo.layout.tmp.is_file()
    del found
    assert not list((tmp_path / "aside").iterdir())


def test_a_model_that_nobody_asked_has_too_few_rows(shop):
    shop.register()
    report = live.check(shop.repo).report
    assert (report.verdict, report.current_rows) == ("too few rows", 0)
    assert len(report.columns) == 2


def test_a_bare_name_means_the_version_that_answered_last(shop):
    first = shop.register()
    second = shop.register(table(300, 9).assign(width=lambda frame: frame["width"] + 5))
    shop.answer(second, asked(60, shift=5))
    shop.answer(first, asked(80, shift=5))
    found = live.check(shop.repo, "churn")
    assert (found.version, found.report.current_rows, found.report.verdict) == (1, 80, "drift")
    found = live.check(shop.repo, "churn@v2")
    assert (found.version, found.report.current_rows, found.report.verdict) == (2, 60, "ok")


@pytest.mark.parametrize("name", ["churn@v2", "churn"])
def test_answers_from_before_a_version_got_another_number_count(shop, name):
    """A pull may put a version after others; what it answered before names its old id."""
    before = shop.register()
    shop.answer(before, asked(60))
    detail = dict(models.model(shop.repo, "churn").events[0].detail)
    with shop.repo.lock("register"):
        events.append(shop.repo, "churn", "register", 2, {**detail, "formerly": [before.id]})
    shop.answer(models.resolve(shop.repo, "churn@v2"), asked(80))
    found = live.check(shop.repo, name)
    assert (found.version, found.report.current_rows) == (2, 140)


def test_the_newest_version_is_meant_when_none_answered(shop):
    shop.register()
    shop.register()
    assert live.check(shop.repo, "churn").version == 2


def test_only_predictions_in_the_span_count(shop):
    version = shop.register()
    shop.answer(version, asked(100, shift=3.0))
    between = datetime.now(UTC).isoformat()
    shop.answer(version, asked(70))
    for name in ("churn", "churn@v1"):

        def rows(name=name, **span):
            return live.check(shop.repo, name, span=Span(**span)).report.current_rows

        assert (rows(), rows(since=between), rows(until=between)) == (170, 70, 100)
        assert rows(last=30) == 30
    assert live.check(shop.repo, span=Span(since=between)).report.verdict == "ok"
    assert live.check(shop.repo, span=Span(until=between)).report.verdict == "drift"


def test_a_span_that_ends_before_it_begins_is_refused(shop):
    shop.register()
    span = Span(since="2026-02-01", until="2026-01-01")
    for name in ("churn", "churn@v1"):
        with pytest.raises(RequestError, match="after its end"):
            live.check(shop.repo, name, span=span)


def test_either_side_can_be_a_table_of_ones_own(shop):
    version = shop.register()
    shop.answer(version, asked())
    table(200, 3).assign(width=50.0).to_csv("other.csv", index=False)
    found = live.check(shop.repo, "churn", current="other.csv")
    assert (found.current, found.report.verdict) == (Side("other.csv"), "drift")
    assert found.report.new_columns == ()
    found = live.check(shop.repo, "churn", reference="other.csv")
    assert (found.reference, found.report.verdict) == (Side("other.csv"), "drift")


def test_two_tables_need_no_model_and_may_be_versions(shop, mlo_here):
    (shop.root / "data").mkdir()
    table(300, 1).to_csv("data/raw.csv", index=False)
    mlo_here("add", "data/raw.csv")
    table(300, 2).assign(price=7.0).to_csv("data/raw.csv", index=False)
    found = live.check(shop.repo, reference="raw.csv", current="raw.csv", start=shop.root / "data")
    assert found.report.verdict == "ok"
    (shop.root / "data/raw.csv").unlink()
    table(300, 2).assign(price=7.0).to_csv("new.csv", index=False)
    found = live.check(shop.repo, reference="data/raw.csv", current="new.csv")
    assert found.reference.oid is not None
    assert [c.name for c in found.report.columns if c.verdict == "drift"] == ["price"]


def test_inputs_without_names_are_matched_by_their_order(shop):
    values = [i / 2 for i in range(60)]
    frame = pd.DataFrame({"x0": values, "x1": values})
    held = {"signature": signature.from_frame(frame).to_dict()}
    version = shop.register(pd.DataFrame({"a": values, "price": 1.0, "b": values}), **held)
    shop.answer(version, frame)
    report = live.check(shop.repo).report
    assert (report.verdict, sorted(c.name for c in report.columns)) == ("ok", ["x0", "x1"])


def test_without_a_signature_every_column_but_the_target_is_compared(shop):
    version = shop.register(signature=None)
    shop.answer(version, asked())
    assert {c.name for c in live.check(shop.repo).report.columns} == {"width", "colour"}


def test_a_version_of_unknown_origin_needs_a_reference(shop):
    shop.answer(shop.register(data=None), asked())
    with pytest.raises(RequestError, match="not known which table churn v1 was trained on"):
        live.check(shop.repo)
    table(300, 1).to_csv("train.csv", index=False)
    assert live.check(shop.repo, reference="train.csv").report.verdict == "ok"


def test_training_data_that_is_no_table_needs_a_reference(shop):
    oid = shop.repo.objects.put(tree.encode([]), Kind.TREE)
    shop.register(data={"path": "images", "oid": oid, "kind": "folder"})
    with pytest.raises(RequestError, match="'images', which is not a table"):
        live.check(shop.repo)


def test_training_data_in_parts_are_the_reference(shop):
    frame, objects = table(300, 1), shop.repo.objects
    entries = []
    for name, part in (("1.csv", frame[:100]), ("2.csv", frame[100:])):
        data = part.to_csv(index=False).encode()
        entries.append(tree.Entry(name, tree.Mode.FILE, len(data), objects.put(data)))
    oid = objects.put(tree.encode(entries), Kind.TREE)
    shop.answer(shop.register(data={"path": "data/parts", "oid": oid, "kind": "folder"}), asked())
    found = live.check(shop.repo)
    assert (found.reference, found.report.reference_rows) == (Side("data/parts", oid=oid), 300)
    assert found.verdict == "ok"
    assert live.check(shop.repo, segment="colour").segments.verdict == "ok"


def test_a_reference_without_the_models_columns_is_refused(shop):
    shop.answer(shop.register(), asked())
    pd.DataFrame({"z": [1]}).to_csv("z.csv", index=False)
    with pytest.raises(RequestError, match="no column that churn v1 takes"):
        live.check(shop.repo, reference="z.csv")


def test_what_to_compare_must_be_clear(shop):
    with pytest.raises(RequestError, match="there is no model yet"):
        live.check(shop.repo)
    with pytest.raises(RequestError, match="there is no model 'chrun'"):
        live.check(shop.repo, "chrun")
    shop.register()
    shop.register(model="fraud")
    with pytest.raises(RequestError, match="there are 2 models: churn, fraud"):
        live.check(shop.repo)
    with pytest.raises(RequestError, match="no predictions are asked for"):
        live.check(shop.repo, "churn", current="x.csv", span=Span(last=5))


def test_the_bounds_are_those_of_the_project(shop):
    (shop.root / ".mlops.yaml").write_text("drift: {effect: 0.99, warn: 0.9, min_rows: 150}\n")
    version = shop.register()
    shop.answer(version, asked(shift=1.0))
    report = live.check(open_repository(shop.root)).report
    assert report.settings.min_rows == 150
    assert report.verdict == "ok"


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("2 w", timedelta(weeks=2)),
    ],
)
def test_a_moment_may_be_so_long_ago(text, ago):
    now = datetime(2026, 1, 31, tzinfo=UTC)
    assert datetime.fromisoformat(live.moment(text, now=now)) == now - ago


def test_a_moment_before_the_calendar_is_refused():
    with pytest.raises(RequestError, match="too long ago"):
        live.moment("999999w", now=datetime(2026, 1, 31, tzinfo=UTC))


@pytest.mark.parametrize("how", ["redact", "hash"])
def test_columns_that_the_log_hides_are_told_and_not_compared(shop, how):
    shop.answer(shop.register(), asked(), LogSettings(**{how: ("colour",)}))
    found = live.check(shop.repo)
    assert [column.name for column in found.report.columns] == ["width"]
    assert found.report.verdict == "ok"
    assert found.notes == ("not compared, since the log does not have the values: colour",)


def test_a_damaged_block_is_told_with_the_verdict(shop):
    version = shop.register()
    shop.answer(version, asked())
    shop.answer(version, asked(seed=5))
    damaged = next((shop.repo.layout.predictions / "churn").glob("*.seg"))
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 0xFF
    damaged.write_bytes(data)
    found = live.check(shop.repo)
    assert found.report.current_rows == 200
    assert "a damaged place, with 200 predictions or more, skipped" in found.notes[0]


def test_a_log_of_which_damage_left_too_little_cannot_be_judged(shop):
    shop.answer(shop.register(), asked())
    (damaged,) = (shop.repo.layout.predictions / "churn").glob("*.seg")
    data = bytearray(damaged.read_bytes())
    for place in (-5, 20):  # the rows, then the head, so that nobody knows what there was
        data[place] ^= 0xFF
        damaged.write_bytes(data)
        with pytest.raises(IntegrityError, match="0 predictions can be read, 50"):
            live.check(shop.repo)


def test_of_very_many_predictions_an_even_part_is_compared(shop, monkeypatch):
    monkeypatch.setattr("mlops_cli.monitor.asked.MOST_ROWS", 150)
    shop.answer(shop.register(), asked(400))
    assert live.check(shop.repo).report.current_rows == 400
    found = live.check(shop.repo, span=Span(last=300))
    assert 50 < found.report.current_rows <= 150
    assert "evenly chosen, stand for all" in found.notes[0]


def test_a_version_without_a_table_is_compared_with_what_it_keeps_of_it(shop):
    frame = table(300, 1).assign(day=pd.date_range("2026-01-01", periods=300))
    columns = signature.from_frame(frame, leave_out=("price",))
    kept = shop.repo.objects.put(profile.encode(profile.of_data(frame, columns, target="price")))
    version = shop.register(frame, data=None, profile=kept)
    now = asked().assign(day=[f"{day:%Y-%m-%d}" for day in frame["day"][:200]])
    shop.answer(version, now)
    found = live.check(shop.repo)
    assert (found.reference.kept, found.report.reference_rows) == (True, 300)
    assert {c.name: c.verdict for c in found.report.columns if c.name != "day"} == {
        "width": "ok",
        "colour": "ok",
    }
    assert found.report.verdict != "not comparable"
    shop.answer(version, now.assign(width=now["width"] + 2))
    found = live.check(shop.repo, span=Span(last=200))
    assert found.report.columns[0].name == "width"
    assert found.report.verdict == "drift"


def test_large_training_data_are_not_read_again(shop, monkeypatch):
    monkeypatch.setattr("mlops_cli.monitor.sides.MOST_BYTES", 100)
    frame = table(300, 1)
    columns = signature.from_frame(frame, leave_out=("price",))
    kept = shop.repo.objects.put(profile.encode(profile.of_data(frame, columns, target="price")))
    shop.answer(shop.register(frame, profile=kept), asked(shift=2.0))
    monkeypatch.setattr("mlops_cli.monitor.sources.opened.of_version", pytest.fail)
    found = live.check(shop.repo)
    assert (found.reference.kept, found.verdict) == (True, "drift")


def test_columns_together_of_no_predictions_are_too_few_rows(shop):
    shop.answer(shop.register(), asked(60))
    never = Span(since="2100-01-01T00:00:00Z")
    found = live.check(shop.repo, "churn@v1", span=never, multivariate=True)
    assert (found.verdict, found.together.verdict) == ("too few rows",) * 2
