"""How near estimates, detectors and gaps between groups are to those of other tools, on real data.

What is said of drift is compared in `benchmarks.drift.agreement`; here its table is put beside.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import page
from benchmarks.drift import agreement as of_drift
from benchmarks.drift.errors import Table
from benchmarks.drift.peers import NANNYML, Peer
from benchmarks.estimation import carried
from benchmarks.machine import machine
from benchmarks.measure import Row

RIVER = Peer("river", ("river==0.26.1",))
FAIRLEARN = Peer("fairlearn", ("fairlearn==0.15.0",))
_SCRIPTS = Path(__file__).with_name("scripts")
_EXACT = 1e-9
_OF_DRIFT = "Drift"
_NOTES = """\
The largest absolute difference between a value of `mlo` and that of the other tool, which computes
it in an environment of its own: {nannyml}, {river},
{fairlearn}. CBPE and DLE are of the data that NannyML carries, metric by metric over chunks of
10,000 rows; detectors see the 50,000 errors of its model of car loans, with river's parameters, and
each of their values after every error counts; groups are those of 50,000 people of its census of
Massachusetts, by sex and by race. NannyML leaves one class of three uncalibrated after folds of its
own, and rows of equal scores in any order, so of three classes, and of areas, values lie near and
are not the same. DLE is learned by other trees: what is told is by what share estimates differ."""

Value = tuple[str, str, float, float]
"""What is compared, with whom, our value and theirs."""
LIMITS = {
    "CBPE, three classes": 0.005,
    "DLE, share of the estimate": 0.05,
}
"""How far values may be apart; any other 1e-9."""


def measure() -> tuple[list[Row], page.Section]:
    """Return rows with limits, and the section of the page."""
    worst: dict[tuple[str, str], list[float]] = {}
    for what, whose, ours, theirs in values():
        worst.setdefault((what, whose), []).append(abs(ours - theirs))
    table = Table(("value", "of", "values", "largest difference", "at most", ""))
    rows: list[Row] = []
    for (what, whose), gaps in worst.items():
        limit = LIMITS.get(what, _EXACT)
        row = Row(f"{what}: difference from {whose}", max(gaps), "at most", limit, 1.0, "")
        rows.append(row)
        told = f"{max(gaps):.0e}", f"{limit:.0e}", "ok" if row.holds else "MISSED"
        table.lines.append((what, whose, f"{len(gaps):,}", *told))
    peers = {one.name.lower(): f"{one.name} {one.version}" for one in (NANNYML, RIVER, FAIRLEARN)}
    text = f"Measured on {machine()}.\n\n{_NOTES.format(**peers)}\n\n{table}"
    return rows, page.Section(text, {_OF_DRIFT: of_drift.table()})


def values() -> Iterator[Value]:
    """Yield our values beside those of all tools that are there."""
    folder = NANNYML.folder()
    if folder is None:
        return
    theirs = _told(NANNYML, "nannyml_agreement_script.py")
    yield from _of_two(folder, theirs["synthetic_car_loan"])
    yield from _of_three(folder, theirs["mc"])
    yield from _of_numbers(folder, theirs[carried.CARS])
    yield from _of_detectors(folder)
    yield from _of_groups(folder)


def _told(peer: Peer, script: str, asked: object = None) -> Any:
    folder = peer.folder()
    if folder is None:
        return {}
    command = [str(folder / "bin" / "python"), str(_SCRIPTS / script)]
    given = json.dumps(asked)
    done = subprocess.run(command, check=True, capture_output=True, text=True, input=given)
    return json.loads(done.stdout.splitlines()[-1])


Chunks = Sequence[Mapping[str, float]]


def _of_two(folder: Path, theirs: Chunks) -> Iterator[Value]:
    from mlops_cli.registry.evaluation.answers import Labelled

    share, said, truth = carried.CLASSIFIERS["synthetic_car_loan"]

    def answers(frame: pd.DataFrame) -> Labelled:
        right = frame[truth] if truth in frame else frame[said]
        favourable = frame[share].to_numpy()
        shares = np.column_stack([1 - favourable, favourable])
        codes = [one.to_numpy().astype(np.intp) for one in (right, frame[said])]
        return Labelled(("0", "1"), codes[0], codes[1], shares, 1)

    held, asked = (answers(one) for one in carried.tables("synthetic_car_loan", folder))
    for name, ours, other in _estimated(held, asked, theirs):
        what = "CBPE, two classes: area under the ROC" if name == "roc_auc" else "CBPE, two classes"
        yield what, NANNYML.name, ours, other


def _of_three(folder: Path, theirs: Chunks) -> Iterator[Value]:
    from mlops_cli.registry.evaluation.answers import Labelled

    _, said, truth = carried.CLASSIFIERS["mc"]
    places = {one: place for place, one in enumerate(carried.CARDS)}

    def answers(frame: pd.DataFrame) -> Labelled:
        right = frame[truth] if truth in frame else frame[said]
        shares = frame[[f"y_pred_proba_{one}" for one in carried.CARDS]].to_numpy()
        codes = [one.map(places).to_numpy().astype(np.intp) for one in (right, frame[said])]
        return Labelled(carried.CARDS, codes[0], codes[1], shares)

    held, asked = (answers(one) for one in carried.tables("mc", folder))
    for _, ours, other in _estimated(held, asked, theirs):
        yield "CBPE, three classes", NANNYML.name, ours, other


def _estimated(held: Any, asked: Any, theirs: Chunks) -> Iterator[tuple[str, float, float]]:
    """Yield each metric of each chunk: its name, ours and theirs."""
    from benchmarks.estimation import cases

    of = cases.seen(held, asked, cases.none(asked.rows), carried.CHUNK).estimator.of
    assert of is not None
    for number, chunk in enumerate(theirs):
        found = of(number * carried.CHUNK, (number + 1) * carried.CHUNK)
        for name, other in chunk.items():
            yield name, found[name].value, other


def _of_numbers(folder: Path, theirs: Chunks) -> Iterator[Value]:
    from mlops_cli.monitor.estimation import loss

    reference, asked = carried.tables(carried.CARS, folder)
    columns = list(carried.CAR_INPUTS)
    said, truth = (reference[one].to_numpy(float) for one in ("y_pred", "y_true"))
    learned = loss.fit(reference[columns], said, truth)
    for number, chunk in enumerate(theirs):
        some = asked.iloc[number * carried.CHUNK : (number + 1) * carried.CHUNK]
        found = loss.estimate(learned, some[columns], some["y_pred"].to_numpy(float))
        for name, other in chunk.items():
            ours = getattr(found, name) / other
            yield "DLE, share of the estimate", NANNYML.name, ours, 1.0


def _of_detectors(folder: Path) -> Iterator[Value]:
    from mlops_cli.monitor.concept.adwin import Adwin
    from mlops_cli.monitor.concept.ddm import DriftDetectionMethod
    from mlops_cli.monitor.concept.page_hinkley import PageHinkley

    stream = _errors(folder)
    theirs = _told(RIVER, "river_script.py", stream)
    adwin, page_hinkley, ddm = Adwin(), PageHinkley(), DriftDetectionMethod()
    for place, value in enumerate(stream):
        changed, state = adwin.update(value), ddm.update(wrong=bool(value))
        ours = {
            "ADWIN: changes": changed,
            "ADWIN: mean of its window": adwin.mean,
            "ADWIN: variance of its window": adwin.variance,
            "Page-Hinkley: changes": page_hinkley.update(value),
            "DDM: changes": state == "drift",
            "DDM: warnings": state == "warning",
        }
        for what, one in ours.items():
            if theirs:
                yield what, RIVER.name, float(one), theirs[what][place]


def _errors(folder: Path) -> list[float]:
    """Return where the model of car loans was wrong, in the order of the loans."""
    _, asked = carried.tables("synthetic_car_loan", folder)
    truth = carried.truths("synthetic_car_loan", folder)
    both = asked.merge(truth, on="id")
    return list((both["y_pred"] != both["repaid"]).to_numpy(float))


def _of_groups(folder: Path) -> Iterator[Value]:
    from mlops_cli.registry.evaluation import fairness
    from mlops_cli.registry.evaluation.answers import Labelled
    from mlops_cli.registry.evaluation.fairness import Groups

    people = carried.jobs(folder)
    truth, said = (people[one].to_numpy().astype(np.intp) for one in ("employed", "prediction"))
    groups = {name: people[name].cat.codes.to_numpy().astype(np.intp) for name in ("SEX", "RAC1P")}
    columns = {name: codes.tolist() for name, codes in groups.items()}
    asked = {"truth": truth.tolist(), "said": said.tolist(), "groups": columns}
    theirs = _told(FAIRLEARN, "fairlearn_script.py", asked)
    answers = Labelled(("0", "1"), truth, said, positive=1)
    for name, told in theirs.items():
        kinds = tuple(map(str, people[name].cat.categories))
        found = fairness.compare(answers, Groups(name, kinds, groups[name]))
        for metric, other in told.items():
            value = found[metric].value
            yield (
                metric.replace("_", " "),
                FAIRLEARN.name,
                float("nan" if value is None else value),
                other,
            )
