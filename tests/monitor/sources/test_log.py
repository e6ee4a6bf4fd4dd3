"""The prediction log in sum is what its rows are, read once and in blocks."""

import numpy as np
import pytest

from mlops_cli.core.config_log import LogSettings
from mlops_cli.data import prediction_log
from mlops_cli.data.predictions.block import of_values
from mlops_cli.data.predictions.segment import Tally
from mlops_cli.monitor.sources import log
from mlops_cli.monitor.sources.frame import of_frame
from mlops_cli.monitor.sources.sums import ExactSum, Scratch
from tests.monitor.conftest import shop as shop
from tests.monitor.conftest import table


def asked(rows=200, seed=2):
    return table(rows, seed).drop(columns="price")


def test_it_is_what_the_rows_are(shop):
    version = shop.register()
    shop.answer(version, asked())
    shop.answer(version, asked(70, 3))
    found = log.summed(shop.repo, "churn")
    exact = of_frame(prediction_log.window(shop.repo, "churn").features)
    assert (found.inputs.names, found.inputs.rows) == (("width", "colour"), 270)
    width, colour = found.inputs.column("width"), found.inputs.column("colour")
    assert width.values.tolist() == exact.column("width").values.tolist()
    assert colour.categories == exact.column("colour").categories
    assert found.answers.names == ("prediction",)
    assert found.answers.column("prediction").counts.tolist() == [270]


def test_only_what_is_asked_for_counts(shop):
    first, second = shop.register(), shop.register()
    shop.answer(first, asked(30))
    shop.answer(second, asked(50))
    only = log.summed(shop.repo, "churn", version_ids={second.id})
    assert only.inputs.rows == 50
    assert log.summed(shop.repo, "churn", until="2020-01-01").inputs.rows == 0
    assert log.last_version(shop.repo, "churn") == second.id
    assert log.last_version(shop.repo, "churn", until="2020-01-01") is None


def test_the_last_version_of_a_span_may_begin_within_a_block(shop):
    version = shop.register()
    shop.answer(version, asked(30))
    (part,) = prediction_log.batches(shop.repo, "churn")
    when = f"{np.datetime64(int(part.times_us.max()), 'us')}Z"
    assert log.last_version(shop.repo, "churn", since=when) == version.id


@pytest.mark.parametrize("how", ["redact", "hash"])
def test_what_the_log_hides_is_told_and_left_out(shop, how):
    shop.answer(shop.register(), asked(), LogSettings(**{how: ("colour",)}))
    found = log.summed(shop.repo, "churn")
    assert (found.inputs.names, found.hidden) == (("width",), ("colour",))


def test_damaged_blocks_are_counted(shop):
    version = shop.register()
    shop.answer(version, asked())
    shop.answer(version, asked(seed=5))
    damaged = next((shop.repo.layout.predictions / "churn").glob("*.seg"))
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 0xFF
    damaged.write_bytes(data)
    tally = Tally()
    assert log.summed(shop.repo, "churn", tally=tally).inputs.rows == 200
    assert (tally.blocks, tally.rows) == (1, 200)


def summed(values, **how):
    kept = ExactSum(Scratch())
    log.add_cells(kept, of_values(values), **how)
    return kept.distribution()


def test_values_are_what_json_makes_of_them():
    assert summed([1, 2.5, None]).values.tolist() == [1.0, 2.5]
    assert summed([True, None, False, True]).counts.tolist() == [1, 2]
    assert summed(["a", None, "a"]).categories == {"a": 2}
    assert summed([2**70, 1, 1]).values.tolist() == [1.0, 2.0**70]
    assert summed([["x"], ["x"], ["x"]]).categories == {"['x']": 3}
    assert summed([1, "a", "a", "a", None]).categories == {"1": 1, "a": 3}
    assert summed([None, None]).kind == "empty"


def test_moments_are_read_where_they_are_known_to_be_such():
    told = ["2026-01-01", "2026-01-01T00:00:01Z", "soon", None]
    found = summed(told, moments=True)
    assert (found.kind, found.nulls) == ("datetime", 2)
    assert np.diff(found.values).tolist() == [1.0]


def test_a_column_that_came_later_is_missing_before(shop):
    shop.answer(shop.register(), asked(30).drop(columns="colour"))
    shop.answer(shop.register(), asked(50))
    found = log.summed(shop.repo, "churn").inputs.column("colour")
    assert (found.rows, found.nulls) == (80, 30)
