"""How a model is retrained is read from the settings, and a mistake in it is told by its line."""

import pytest

from mlops_cli.core.config import read
from mlops_cli.core.config_retrain import CanarySettings, Retrain, Source
from mlops_cli.errors import RequestError


def said(text: str) -> Retrain:
    """Return how `m` is retrained."""
    settings = read(f"monitor: {{retrain: {{m: {text}}}}}".encode(), where=".mlops.yaml")
    assert settings.monitor is not None
    return settings.monitor.retrain["m"]


def test_only_the_table_has_to_be_named() -> None:
    assert said("{into: data/train.csv}") == Retrain("data/train.csv")


def test_a_canary_may_be_written_as_its_share() -> None:
    assert said("{into: a.csv, canary: 10%}").canary == CanarySettings(0.1)
    whole = said("{into: a.csv, canary: {share: 0.2, for: 10m, min_requests: 5}}").canary
    assert whole == CanarySettings(0.2, 600.0, 5)


def test_fresh_rows_come_from_one_of_three() -> None:
    assert said("{into: a.csv, source: predictions}").source == Source(predictions=True)
    assert said("{into: a.csv, source: {file: b.csv@HEAD}}").source == Source(file="b.csv@HEAD")
    command = said("{into: a.csv, source: {command: [psql, -c, 'copy t']}}").source
    assert command == Source(command=("psql", "-c", "copy t"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "needs the key 'into'"),
        ("{into: ../a.csv}", "not a path inside the project"),
        ("{into: a.csv, source: log}", "is 'log', which is no source"),
        ("{into: a.csv, source: {}}", "must be one of the two"),
        ("{into: a.csv, source: {command: []}}", "says nothing"),
        ("{into: a.csv, canary: 100%}", "is no share of the requests"),
        ("{into: a.csv, canary: 0}", "is no share of the requests"),
        ("{into: a.csv, window: recent}", "is 'recent', which is no window"),
        ("{into: a.csv, window: 5}", "must be at least 30"),
        ("{into: a.csv, again: 1}", "would retrain for ever"),
        ("{into: a.csv, min_rows: 500, max_rows: 400}", "min_rows 500 is above max_rows"),
        ("{into: a.csv, cooldown: soon}", "is 'soon', which is no time"),
        ("{into: a.csv, confidence: 0.2}", "must be at least 0.5"),
        ("{into: a.csv, hold_out: 0.2}", "did you mean 'held_out'?"),
    ],
    ids=lambda text: text.strip("{}").replace("/", "-")[:40],
)
def test_a_mistake_is_told(text: str, problem: str) -> None:
    with pytest.raises(RequestError) as found:
        said(text)
    assert problem in f"{found.value.message} {found.value.hint}"
