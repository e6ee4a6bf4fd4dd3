"""What is tried next: rebuilt from our own trials, never kept by Optuna."""

from dataclasses import replace

import pytest

from mlops_cli.core import ranges
from mlops_cli.errors import RequestError
from mlops_cli.pipeline.sweeps.definition import Asked, Definition, decide, from_plain
from mlops_cli.pipeline.sweeps.study import Study, front
from mlops_cli.pipeline.sweeps.trial import Trial


def definition(sampler: str = "tpe", pruner: str = "none", **texts: str) -> Definition:
    searched = {name: ranges.parse(text, where=name) for name, text in texts.items()}
    return Definition("train", searched, {"score": "max"}, 20, sampler=sampler, pruner=pruner)


def done(trial: Trial, *values: float) -> Trial:
    return replace(trial, state="done", values=values)


def test_a_study_goes_on_where_another_ended() -> None:
    what = definition(x="uniform(0, 1)", kind="choice(a, b, null)")
    first, trials = Study(what), []
    for _ in range(12):
        trial = first.ask()
        assert trial is not None
        trials.append(done(trial, trial.params["x"]))
        first.tell(trials[-1])
    again = Study(what, trials).ask()
    assert again is not None
    assert again.number == 12
    assert again.params["x"] > 0.5, "it has learnt that more is better"
    assert again.params["kind"] in ("a", "b", None)


def test_what_was_cut_off_is_done_again_first() -> None:
    what = definition(sampler="grid", x="int(1, 4)")
    before = [done(Trial(0, {"x": 1}), 1), Trial(1, {"x": 2}), Trial(2, {"x": 3}, "interrupted")]
    study = Study(what, before)
    found = []
    while (trial := study.ask()) is not None:
        found.append((trial.number, trial.params["x"]))
        study.tell(done(trial, 0))
    assert found == [(3, 2), (4, 3), (5, 4)]


def test_a_trial_that_failed_is_not_done_again() -> None:
    study = Study(definition(sampler="grid", x="int(1, 2)"), [Trial(0, {"x": 1}, "failed")])
    trial = study.ask()
    assert trial is not None
    assert trial.params == {"x": 2}


def test_a_trial_below_the_median_is_to_be_given_up() -> None:
    what = definition(pruner="median", x="uniform(0, 1)")
    study = Study(what)
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        trial = study.ask()
        assert trial is not None
        assert not study.report(trial.number, 0, value)
        study.tell(done(trial, value))
    good, bad = study.ask(), study.ask()
    assert good is not None
    assert bad is not None
    assert not study.report(good.number, 0, 4.5)
    assert study.report(bad.number, 0, 0.5)
    assert not study.report(bad.number, 1, float("nan"))


def test_the_front_holds_what_nothing_beats() -> None:
    what = replace(definition(x="int(1, 9)"), metrics={"score": "max", "cost": "min"})
    trials = [done(Trial(n, {}), *values) for n, values in enumerate([(1, 1), (2, 2), (1, 2)])]
    assert [trial.number for trial in front([*trials, Trial(3, {}, "failed")], what)] == [1, 0]


def test_of_equals_the_first_is_the_best() -> None:
    trials = [done(Trial(0, {}), 1), done(Trial(1, {}), 2), done(Trial(2, {}), 2)]
    assert [trial.number for trial in front(trials, definition(x="int(1, 2)"))] == [1]


def test_a_definition_survives_its_journal() -> None:
    what = decide(
        Asked("train", ["x=log(1e-4, 1)", "kind=choice('a, b', null)", "seed=3"], ["auc"], ["min"]),
        None,
        seed=5,
    )
    assert from_plain(what.plain()) == what
    assert (what.trials, what.fixed, what.metrics) == (20, ("seed=3",), {"auc": "min"})


def test_a_sampler_that_cannot_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match="needs the library 'torch'"):
        Study(definition(sampler="gp", x="int(1, 2)"))


@pytest.mark.parametrize("module", ["optuna", "distributed"])
def test_a_missing_extra_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_cli.pipeline.engines.dask_futures import DaskEngine

    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(RequestError) as caught:
        if module == "optuna":
            Study(definition(x="int(1, 2)"))
        else:
            DaskEngine(lambda *_: None, url="dask://127.0.0.1:1")
    assert caught.value.hint == f"pip install 'mlo[{'sweep' if module == 'optuna' else 'dask'}]'"


def test_importances_say_what_matters() -> None:
    what = definition(x="uniform(0, 1)", noise="uniform(0, 1)", sampler="random")
    study = Study(what)
    for _ in range(30):
        trial = study.ask()
        assert trial is not None
        study.tell(done(trial, trial.params["x"]))
    found = study.importances()
    assert found["x"] > 0.8
    assert sum(found.values()) == pytest.approx(1)
